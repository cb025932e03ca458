// The launcher verifies in C++ what src/verify verifies in TypeScript: on everything that is presented here, sealed rightly,
// wrongly or not at all, both must come to the same denial codes.

import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { approvalDocument, approvalMessage, matterOf } from '../../src/format/approval.js';
import { jcsText } from '../../src/format/jcs.js';
import { formatVerifierKey } from '../../src/format/note.js';
import type { Approval } from '../../src/format/predicate.js';
import { recordPayloadType, recordText } from '../../src/format/record.js';
import { redeemerNonceDigest } from '../../src/format/redeemer-nonce.js';
import type { RedemptionRecord } from '../../src/format/redemption.js';
import { type Statement, statementPayloadType, statementText } from '../../src/format/statement.js';
import { type JsonObject, type JsonValue, parseJson, parseJsonBytes } from '../../src/format/strict-json.js';
import { parseTrust, type TrustDocument } from '../../src/format/trust.js';
import { utf8Encode } from '../../src/format/utf8.js';
import { verifyReceipt } from '../../src/verify/receipt.js';
import { offlineSituation } from '../../src/verify/situation.js';
import { verify } from '../../src/verify/verify.js';
import {
  authorization,
  denialStatement,
  digests,
  executeAction,
  hex,
  nonce,
  origin,
  predicate,
  TestLog,
} from '../verify/sealed-artifact.js';
import { LauncherVerifier } from './launcher-verifier.js';

const nowMs = Date.parse('2026-01-01T00:01:00.000Z');
const log = new TestLog();
const trust: TrustDocument = {
  type: 'urn:writ:trust:v1',
  logs: [{ origin, vkey: formatVerifierKey(log.key), retired: null }],
  artifactKeys: [],
};
const id = `sha3-512:${hex('a')}`;

const lease = authorization({
  scope: {
    ...predicate.scope,
    bind: { key: Buffer.alloc(32, 1).toString('base64') },
    descend: { listed: [{ path: '/usr/bin/ls', digests }] },
    action: { ...executeAction, argv: ['echo', { base64: '/w==' }, 'ümlaut 𝄞', ''] },
  },
  validity: { ...predicate.validity, use: 'lease', renewSeconds: 30, until: '2026-01-02T00:00:00.000Z' },
  lineage: { parent: `sha3-512:${hex('b')}`, root: `sha3-512:${hex('c')}`, depth: 3, basis: 'named' },
  environment: [
    { name: 'interpreter.1', value: `sha3-512:${hex('d')} /bin/sh`, source: 'kernel' },
    { name: 'tpm.pcrs', value: 'x', source: 'tpm', quote: `sha3-512:${hex('e')}` },
  ],
});
const signature: Statement = {
  ...authorization({
    scope: {
      ...predicate.scope,
      action: { type: 'sign', name: 'a', sizeBytes: 1, digests },
      execution: null,
    },
  }),
  predicateType: 'urn:writ:signature:v1',
} as Statement;
const tool = authorization({
  scope: {
    ...predicate.scope,
    action: { type: 'tool', tool: 't', arguments: { a: [1, { b: null }] } },
    execution: null,
  },
});
const approved = authorization({
  governance: {
    ...predicate.governance,
    approvals: [approvalBy('alice', 'ed25519'), approvalBy('bob', 'sshsig')],
  },
});

/** An approval of the artifact as it is, by a new key. */
function approvalBy(approver: string, form: Approval['form']): Approval {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const key = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64');
  const head = { pending: nonce, expires: '2026-01-01T00:10:00.000Z' };
  const message = approvalMessage(approvalDocument(matterOf(predicate), origin, head), form);
  return { approver, key, form, ...head, signature: sign(null, message, privateKey).toString('base64') };
}

const redemption: RedemptionRecord = {
  type: 'urn:writ:redemption:v1',
  time: '2026-01-01T00:00:00.000Z',
  log: origin,
  nonce,
  artifact: id as `sha3-512:${string}`,
  artifactIndex: 3,
  redeemerNonceDigest: redeemerNonceDigest(nonce),
  redeemer: { uid: 1000, gid: 1000 },
  policy: [predicate.policy],
};
const leaseRecord = {
  type: 'urn:writ:lease:v1',
  time: '2026-01-01T00:00:00.000Z',
  log: origin,
  nonce,
  event: 'open',
  artifact: id,
  artifactIndex: 3,
  redemption: id,
  redemptionIndex: 4,
  lease: null,
  leaseIndex: null,
  until: '2026-01-01T00:00:30.000Z',
  deadline: { boot: 'b', bootTimeMs: 5 },
  confinement: { kind: 'pid-namespace', namespace: '4026531836', cgroup: null },
  process: { pid: 5, startTime: 6 },
  descend: 'enforced',
  policy: [predicate.policy],
} as const;

const texts: readonly { readonly kind: 'authorization' | 'denial' | 'signature'; readonly text: string }[] = [
  { kind: 'authorization', text: statementText(authorization()) },
  { kind: 'authorization', text: statementText(lease) },
  { kind: 'authorization', text: statementText(tool) },
  { kind: 'signature', text: statementText(signature) },
  { kind: 'denial', text: statementText(denialStatement) },
  { kind: 'authorization', text: statementText(approved) },
];
const records = [
  { kind: 'redemption' as const, text: recordText(redemption) },
  { kind: 'lease' as const, text: recordText(leaseRecord as never) },
];

function typescriptVerdict(artifact: unknown, document = trust): readonly string[] {
  const verdict = verify(artifact, parseTrust(document), {
    ...offlineSituation(nowMs),
    action: executeAction,
  });
  return verdict.verdict === 'valid' ? [] : verdict.denials.map(({ code }) => code);
}

function typescriptReceipt(receipt: unknown): readonly string[] {
  const verdict = verifyReceipt(receipt, parseTrust(trust), {
    artifact: id as `sha3-512:${string}`,
    redeemerNonce: nonce,
  });
  return verdict.verdict === 'valid' ? [] : [verdict.denial.code];
}

/** What could stand anywhere in a document, and mostly must not. */
const strange = fc.oneof(
  fc.constantFrom<JsonValue>(
    null,
    '',
    'x',
    0,
    -1,
    1.5,
    1,
    2 ** 32,
    Number.MAX_SAFE_INTEGER,
    true,
    [],
    {},
    'none',
    'any',
    'lease',
    'single',
    'kernel',
    'tpm',
    nonce,
    Buffer.alloc(32, 3).toString('base64'),
    `${'A'.repeat(42)}B=`,
    { base64: '/w==' },
    { base64: 'YQ==' },
    { base64: 7 },
    id,
    hex('A'),
    hex('f'),
    '2026-01-01T00:05:00.000Z',
    '2026-02-29T00:00:00.000Z',
    '2028-02-29T23:59:59.999Z',
    '2026-01-01T24:00:00.000Z',
    '0000-01-01T00:00:00.000Z',
    'a'.repeat(257),
    'ä'.repeat(256),
    '𝄞'.repeat(129),
    origin,
  ),
  fc.integer() as fc.Arbitrary<JsonValue>,
  fc.string({ unit: 'grapheme' }) as fc.Arbitrary<JsonValue>,
);

/** One change somewhere in a document: another value, a member less, a member more. */
const change = fc.record({
  /** Which of all places, as a part of their number. */
  place: fc.double({ min: 0, max: 1, noNaN: true }),
  how: fc.constantFrom('replace', 'remove', 'add', 'repeat'),
  value: strange,
});
type Change = typeof change extends fc.Arbitrary<infer Value> ? Value : never;

function placesIn(value: JsonValue, path: readonly (string | number)[] = []): (string | number)[][] {
  const below =
    typeof value !== 'object' || value === null
      ? []
      : Object.keys(value).flatMap((key) =>
          placesIn((value as JsonObject)[key] ?? null, [...path, Array.isArray(value) ? Number(key) : key]),
        );
  return [[...path], ...below];
}

function changed(document: JsonValue, { place, how, value }: Change): JsonValue {
  const copy = structuredClone(document) as JsonValue;
  const places = placesIn(copy).slice(1);
  const path = places[Math.min(places.length - 1, Math.floor(place * places.length))] ?? [];
  const last = path.at(-1) ?? '';
  const holder = path
    .slice(0, -1)
    .reduce<Record<string, JsonValue>>(
      (held, key) => held[String(key)] as Record<string, JsonValue>,
      copy as Record<string, JsonValue>,
    );
  if (how === 'replace') holder[String(last)] = value;
  else if (how === 'remove' && Array.isArray(holder)) holder.splice(Number(last), 1);
  else if (how === 'remove') delete holder[String(last)];
  else if (Array.isArray(holder)) holder.push(how === 'repeat' ? (holder[Number(last)] ?? null) : value);
  else holder[`${last}x`] = how === 'repeat' ? (holder[String(last)] ?? null) : value;
  return copy;
}

describe('the launcher', { timeout: 300_000 }, () => {
  let launcher: LauncherVerifier;
  before(() => {
    launcher = new LauncherVerifier();
  });
  after(async () => assert.equal(await launcher.close(), 0));

  async function bothSay(artifact: unknown, document = trust): Promise<readonly string[]> {
    const expected = typescriptVerdict(artifact, document);
    assert.deepEqual(await launcher.verdict(document, artifact, nowMs, executeAction), expected);
    return expected;
  }

  test('comes to the same verdict on what is sealed rightly', async () => {
    const verdicts = [];
    for (const { kind, text } of texts)
      verdicts.push(await bothSay(log.seal(kind, statementPayloadType, utf8Encode(text))));
    assert.deepEqual(verdicts, [
      [],
      ['SCOPE_MISMATCH'],
      ['SCOPE_MISMATCH'],
      ['SCOPE_MISMATCH'],
      ['NO_AUTHORIZATION'],
      [],
    ]);
    for (const { kind, text } of records)
      assert.deepEqual(await bothSay(log.seal(kind, recordPayloadType, utf8Encode(text))), [
        'NO_AUTHORIZATION',
      ]);
  });

  test('comes to the same verdict on approvals that are for something else, or not by different people', async () => {
    assert.ok(approved.predicateType !== 'urn:writ:denial:v1');
    const { approvals } = approved.predicate.governance;
    const [first, second] = approvals as readonly [Approval, Approval];
    const governed = (changed: readonly Approval[], more: Partial<typeof predicate> = {}) =>
      bothSay(
        log.sealStatement(
          authorization({ governance: { ...predicate.governance, approvals: changed }, ...more }),
        ),
      );
    const environment = [{ name: 'boot', value: 'b2', source: 'kernel' }] as const;
    const validity = { ...predicate.validity, notBefore: '2025-01-01T00:00:00.000Z' };
    assert.deepEqual(await governed([first]), []);
    assert.deepEqual(await governed([first], { validity }), []);
    const late = { ...validity, notBefore: first.expires, notAfter: '2026-01-01T00:20:00.000Z' };
    assert.deepEqual(await governed([first], { validity: late }), ['NOT_YET_VALID', 'EXPIRED']);
    assert.deepEqual(await governed([first, second], { environment }), ['BAD_SIGNATURE', 'BAD_SIGNATURE']);
    assert.deepEqual(await governed([first, first]), ['BAD_SIGNATURE']);
    assert.deepEqual(await governed([first, { ...second, approver: 'alice' }]), ['BAD_SIGNATURE']);
    assert.deepEqual(await governed([{ ...first, form: 'sshsig' }]), ['BAD_SIGNATURE']);
    assert.deepEqual(await governed([{ ...first, key: second.key }]), ['BAD_SIGNATURE']);
    assert.deepEqual(await governed([{ ...first, key: Buffer.alloc(32, 2).toString('base64') }]), [
      'BAD_SIGNATURE',
    ]);
    assert.deepEqual(await governed([{ ...first, expires: predicate.validity.notBefore }]), [
      'BAD_SIGNATURE',
    ]);
  });

  test('reads statements by the same closed schemas, however well they are sealed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...texts), change, async ({ kind, text }, mutation) => {
        const payload = utf8Encode(JSON.stringify(changed(parseJson(text), mutation)));
        await bothSay(log.seal(kind, statementPayloadType, payload));
      }),
      { numRuns: 4000 },
    );
  });

  test('reads records by the same closed schemas', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...records), change, async ({ kind, text }, mutation) => {
        const payload = utf8Encode(JSON.stringify(changed(parseJson(text), mutation)));
        const sealed = log.seal(kind, recordPayloadType, payload);
        await bothSay(sealed);
        assert.deepEqual(await launcher.receipt(trust, sealed, id, nonce), typescriptReceipt(sealed));
      }),
      { numRuns: 2000 },
    );
  });

  test('believes no envelope of which anything was changed', async () => {
    const sealed = log.seal(
      'authorization',
      statementPayloadType,
      utf8Encode(statementText(authorization())),
    );
    await fc.assert(
      fc.asyncProperty(change, async (mutation) => {
        await bothSay(changed(sealed as unknown as JsonValue, mutation));
      }),
      { numRuns: 500 },
    );
    for (const nothing of [null, [], 7, 'text', {}]) await bothSay(nothing);
  });

  test('believes no payload or proof of which one character was changed', async () => {
    const sealed = log.seal(
      'authorization',
      statementPayloadType,
      utf8Encode(statementText(authorization())),
    );
    const proof = Buffer.from(sealed.signatures[0]?.sig ?? '', 'base64');
    const payload = Buffer.from(sealed.payload, 'base64');
    const flip = fc.record({
      at: fc.nat(),
      by: fc.integer({ min: 1, max: 255 }),
      where: fc.constantFrom(0, 1),
    });
    await fc.assert(
      fc.asyncProperty(flip, async ({ at, by, where }) => {
        const bytes = Buffer.from(where === 0 ? proof : payload);
        const position = at % bytes.length;
        bytes[position] = (bytes[position] ?? 0) ^ by;
        const text = bytes.toString('base64');
        const codes = await bothSay(
          where === 0 ? { ...sealed, signatures: [{ sig: text }] } : { ...sealed, payload: text },
        );
        assert.notDeepEqual(codes, []);
      }),
      { numRuns: 3000 },
    );
  });

  test('knows retired, compromised and foreign keys', async () => {
    const sealed = log.seal(
      'authorization',
      statementPayloadType,
      utf8Encode(statementText(authorization())),
    );
    const note = Buffer.from(sealed.signatures[0]?.sig ?? '', 'base64')
      .toString()
      .split('\n\n')[1];
    const root = note?.split('\n')[2] ?? '';
    const vkey = formatVerifierKey(log.key);
    const retired = [
      { size: 5, root },
      { size: 5, root: Buffer.alloc(32).toString('base64') },
      { size: 4, root },
      { size: 6, root },
      { size: 5, root, compromisedFrom: 2 },
      { size: 5, root, compromisedFrom: 3 },
    ];
    const verdicts = [];
    for (const end of retired)
      verdicts.push(await bothSay(sealed, { ...trust, logs: [{ origin, vkey, retired: end }] }));
    assert.deepEqual(verdicts, [
      [],
      ['BAD_SIGNATURE'],
      ['BAD_SIGNATURE'],
      ['BAD_SIGNATURE'],
      ['REVOKED'],
      [],
    ]);
    const other = formatVerifierKey(new TestLog().key);
    assert.deepEqual(await bothSay(sealed, { ...trust, logs: [{ origin, vkey: other, retired: null }] }), [
      'BAD_SIGNATURE',
    ]);
  });

  test('reads exactly the JSON that the daemon reads', async () => {
    const plain = fc.jsonValue({ maxDepth: 4 }).map((value) => jcsText(value));
    const spelt = fc.constantFrom(
      '{"a":1,"a":2}',
      '"\\ud800"',
      '"\\udc00\\ud800"',
      '"\\ud834\\udd1e"',
      '"\\u0000"',
      '9007199254740993',
      '9007199254740991',
      '1e400',
      '1e15',
      '-0',
      '01',
      '1.',
      '.5',
      '+1',
      '"\t"',
      '[1,]',
      '{"a":1,}',
      '\ufeff{}',
      ` ${'['.repeat(32)}${']'.repeat(32)}`,
      `${'['.repeat(33)}${']'.repeat(33)}`,
      'nul',
      '',
      '"\\x"',
      '"\\u12g4"',
      '{}{}',
      '{"\\u0061":1,"a":2}',
    );
    const noise = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }), skip: fc.nat(3) });
    await fc.assert(
      fc.asyncProperty(fc.oneof(plain, spelt), fc.option(noise), async (text, mutation) => {
        const bytes = Buffer.from(text);
        const mutated =
          mutation === null || bytes.length === 0
            ? bytes
            : Buffer.concat([
                bytes.subarray(0, mutation.at % bytes.length),
                Buffer.of(mutation.byte),
                bytes.subarray((mutation.at % bytes.length) + mutation.skip),
              ]);
        let expected: { readonly document: JsonValue } | null = null;
        try {
          expected = { document: parseJsonBytes(mutated) };
        } catch {}
        assert.deepEqual(jcsText(await launcher.json(mutated)), jcsText(expected));
      }),
      { numRuns: 5000 },
    );
  });
});
