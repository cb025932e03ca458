/** Trust bundles: what a file may say, and what it is refused for. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { base64Encode } from '../../src/format/base64.js';
import { hexDecode } from '../../src/format/hex.js';
import { tpmNameOf } from '../../src/format/tpm-public.js';
import { parseTrust } from '../../src/format/trust.js';

/** The public area of a key that a swtpm made. */
const publicArea = hexDecode(
  [
    '0023000b00050072000000100018000b0003001000201bd202ffa5d20b1cce9689560f187e041d6c2daf168a0fa2e4e4',
    '7223fb8e3d9000209936162b1361dd09a41312fb46a6d8e4b3a564a5f7943c173c48b354d609c895',
  ].join(''),
);
const name = tpmNameOf(publicArea);
const key = {
  log: 'test.example/log',
  name,
  publicArea: base64Encode(publicArea),
  since: { resetCount: 4_000_000_000, restartCount: 0 },
};
const attestation = {
  keys: [key],
  pcrs: [{ index: 7, values: ['ab'.repeat(32), 'cd'.repeat(32)] }],
  maxAgeSeconds: 3600,
};

async function bundle(changes: object = {}): Promise<object> {
  const example = new URL('../../../docs/example/trust.json', import.meta.url);
  return { ...JSON.parse(await readFile(example, 'utf8')), ...changes };
}

test('a bundle from before there were TPMs believes none, and names no policy authority', async () => {
  const trust = parseTrust(await bundle());
  assert.equal(trust.attestation, null);
  assert.deepEqual(trust.policyAuthorities, []);
  assert.equal(parseTrust(await bundle({ attestation: null })).attestation, null);
});

test('attestation keys and policy authorities are read', async () => {
  const authority = new Uint8Array(32).fill(7);
  const trust = parseTrust(await bundle({ attestation, policyAuthorities: [base64Encode(authority)] }));
  assert.deepEqual(trust.policyAuthorities, [authority]);
  const [trusted] = trust.attestation?.keys ?? [];
  assert.equal(trusted?.name, name);
  assert.equal(trusted?.log, key.log);
  assert.deepEqual(trusted?.since, key.since);
  assert.deepEqual(trusted?.point.x, publicArea.slice(22, 54));
  assert.deepEqual(trust.attestation?.pcrs, attestation.pcrs);
  assert.equal(trust.attestation?.maxAgeMs, 3_600_000);
});

const otherName = `000b${'0'.repeat(64)}`;
const decrypting = publicArea.slice();
decrypting[5] = 0x07;
const refusals: readonly (readonly [string, object, RegExp])[] = [
  ['no attestation key', { attestation: { ...attestation, keys: [] } }, /attestation\.keys/],
  [
    'a name that is not of the key',
    { attestation: { ...attestation, keys: [{ ...key, name: otherName }] } },
    /does not digest to its name 000b0/,
  ],
  [
    'a name that is none',
    { attestation: { ...attestation, keys: [{ ...key, name: name.toUpperCase() }] } },
    /must be a TPM name/,
  ],
  [
    'a key that also decrypts',
    { attestation: { ...attestation, keys: [{ ...key, publicArea: base64Encode(decrypting) }] } },
    /also decrypts/,
  ],
  [
    'a key cut short',
    { attestation: { ...attestation, keys: [{ ...key, publicArea: key.publicArea.slice(0, 40) }] } },
    /is cut short/,
  ],
  [
    'a count beyond 32 bits',
    { attestation: { ...attestation, keys: [{ ...key, since: { resetCount: 2 ** 32, restartCount: 0 } }] } },
    /since\.resetCount/,
  ],
  [
    'a PCR that no TPM has',
    { attestation: { ...attestation, pcrs: [{ index: 24, values: ['ab'.repeat(32)] }] } },
    /pcrs\.0\.index/,
  ],
  [
    'a PCR without a value',
    { attestation: { ...attestation, pcrs: [{ index: 7, values: [] }] } },
    /pcrs\.0\.values/,
  ],
  [
    'a value that is no digest',
    { attestation: { ...attestation, pcrs: [{ index: 7, values: ['ab'] }] } },
    /must be a SHA-256 digest/,
  ],
  [
    'a PCR named twice',
    { attestation: { ...attestation, pcrs: [...attestation.pcrs, ...attestation.pcrs] } },
    /must name each PCR once/,
  ],
  ['no age', { attestation: { ...attestation, maxAgeSeconds: 0 } }, /maxAgeSeconds/],
  ['an unknown field', { attestation: { ...attestation, more: 1 } }, /more|[Uu]nrecognized/],
  ['a policy authority that is no key', { policyAuthorities: ['AAAA'] }, /must be base64 of 32 bytes/],
];
for (const [what, changes, message] of refusals) {
  test(`a bundle with ${what} is refused`, async () => {
    const document = await bundle(changes);
    assert.throws(() => parseTrust(document), message);
    assert.throws(() => parseTrust(document), SyntaxError);
  });
}
