/** Quotes of real TPMs (swtpm, driven by tpm2-tools), each fault made by changing one field of a right quote. */

import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { base64Decode, base64Encode } from '../../src/format/base64.js';
import { concatBytes } from '../../src/format/bytes.js';
import { hexDecode } from '../../src/format/hex.js';
import { attestedQuoteOf, type QuoteRecord } from '../../src/format/quote.js';
import { tpmNameOf } from '../../src/format/tpm-public.js';
import { VerificationContext } from '../../src/verify/context.js';
import { judgeQuote, type QuoteSituation } from '../../src/verify/quote.js';
import {
  attestationOf,
  firstCheckpoint,
  quotedAt,
  quoteIndex,
  quoteRecord,
  trustOf,
} from './quoted-artifact.js';
import { TestLog } from './sealed-artifact.js';
import { type Hierarchy, type ToolKey, ToolTpm } from './tool-tpm.js';

const log = new TestLog();
const machines: ToolTpm[] = [];

async function machine(): Promise<ToolTpm> {
  const tpm = await ToolTpm.start();
  machines.push(tpm);
  return tpm;
}
after(() => Promise.all(machines.map((tpm) => tpm.stop())));

/** What is wrong with a record, in the words of the denials without their common beginning. */
function faultsOf(record: QuoteRecord, situation: QuoteSituation): string[] {
  const twice = new VerificationContext();
  const denials = judgeQuote(record, situation, twice);
  assert.deepEqual(judgeQuote(record, situation, twice), denials, 'what is remembered changes nothing');
  return denials.map(({ code, message }) => {
    assert.equal(code, 'ENVIRONMENT_MISMATCH');
    return message.replace('the TPM quote does not hold: ', '');
  });
}

function assertOnly(faults: readonly string[], ...expected: readonly RegExp[]): void {
  assert.equal(faults.length, expected.length, faults.join('\n'));
  for (const [position, pattern] of expected.entries()) assert.match(faults[position] ?? '', pattern);
}

for (const hierarchy of ['owner', 'endorsement'] as const satisfies readonly Hierarchy[]) {
  describe(`a quote by a key of the ${hierarchy} hierarchy`, () => {
    let tpm: ToolTpm;
    let key: ToolKey;
    let right: QuoteRecord;
    let situation: QuoteSituation;

    before(async () => {
      tpm = await machine();
      tpm.extend(7, 'ab'.repeat(32));
      key = tpm.createKey(hierarchy);
      right = quoteRecord(tpm, key, log);
      const trust = trustOf(log, attestationOf(right, key));
      situation = { trust, index: quoteIndex, citedAt: '2026-01-01T00:00:00.000Z', previous: null };
    });

    test('holds as it is', () => assertOnly(faultsOf(right, situation)));

    test('shows the counts of the TPM itself only in the endorsement hierarchy', () => {
      const shown = attestedQuoteOf(right).clock;
      const own = tpm.tool('readclock');
      const isShown = own.includes(`reset_count: ${shown.resetCount}\n`);
      assert.equal(isShown, hierarchy === 'endorsement');
    });

    test('made before an earlier boot than the newest known, or than the enrolment, does not hold', async () => {
      await tpm.reboot();
      // The platform measures the same again after a boot.
      tpm.extend(7, 'ab'.repeat(32));
      const later = quoteRecord(tpm, key, log);
      const known = { ...situation, previous: attestedQuoteOf(later) };
      assertOnly(faultsOf(right, known), /already known: its reset count of \d+ lies before \d+/);
      assertOnly(faultsOf(later, { ...situation, previous: attestedQuoteOf(right) }));
      const enrolledLater = trustOf(log, attestationOf(later, key));
      assertOnly(faultsOf(right, { ...situation, trust: enrolledLater }), /before its key was enrolled/);
      assertOnly(faultsOf(later, { ...situation, trust: enrolledLater }));
    });

    test('of the same boot, made before one that is known, does not hold', () => {
      const [earlier, later] = [quoteRecord(tpm, key, log), quoteRecord(tpm, key, log)];
      const clocks = [earlier, later].map((record) => attestedQuoteOf(record).clock.clockMs);
      assert.ok((clocks[0] ?? 0) < (clocks[1] ?? 0), 'a quote takes longer than a tick');
      const previous = attestedQuoteOf(later);
      assertOnly(faultsOf(earlier, { ...situation, previous }), /its clock of \d+ ms lies before \d+ ms/);
      assertOnly(faultsOf(later, { ...situation, previous }));
    });
  });
}

describe('a quote does not hold', () => {
  let tpm: ToolTpm;
  let key: ToolKey;
  let right: QuoteRecord;
  let situation: QuoteSituation;

  before(async () => {
    tpm = await machine();
    key = tpm.createKey();
    right = quoteRecord(tpm, key, log);
    const trust = trustOf(log, attestationOf(right, key));
    situation = { trust, index: quoteIndex, citedAt: '2026-01-01T00:00:00.000Z', previous: null };
  });

  /** Byte offsets in TPMS_ATTEST, behind a signer's Name of 34 bytes and 32 bytes of qualifying data. */
  const changedBytes: readonly (readonly [string, number, RegExp, ...RegExp[]])[] = [
    ['its magic', 0, /cannot be read: .*its magic is missing/],
    ['its type', 5, /cannot be read: .*another type/],
    ['the name of its signer', 20, /signature is not of the attestation key/],
    ['its qualifying data', 60, /signature is not/, /qualifying data are not those/],
    ['its clock', 83, /signature is not/],
    ['its reset count', 87, /signature is not/],
    ['its restart count', 91, /signature is not/],
    ['its safe flag', 92, /signature is not/],
    ['its firmware version', 100, /signature is not/],
    ['its bank', 106, /cannot be read: .*SHA-256 bank alone/],
    ['its selection', 108, /signature is not/, /not of the PCRs that were quoted/],
    ['its PCR digest', 130, /signature is not/, /do not digest to what was quoted/],
  ];
  for (const [what, offset, ...expected] of changedBytes) {
    test(`with one bit of ${what} changed`, () => {
      const attest = base64Decode(right.attest);
      attest[offset] = (attest[offset] ?? 0) ^ 1;
      const faults = faultsOf({ ...right, attest: base64Encode(attest) }, { ...situation, trust: lenient() });
      assertOnly(faults, ...expected);
    });
  }

  /** The same trust with a `since` that no changed count can lie before: what is tested then is the signature alone. */
  function lenient() {
    const { keys, ...rest } = attestationOf(right, key);
    return trustOf(log, {
      ...rest,
      keys: keys.map((one) => ({
        ...one,
        since: { resetCount: (one.since.resetCount - 10) >>> 0, restartCount: 0 },
      })),
    });
  }

  test('with one bit of its signature changed, or cut short', () => {
    const signature = base64Decode(right.signature);
    signature[40] = (signature[40] ?? 0) ^ 1;
    assertOnly(faultsOf({ ...right, signature: base64Encode(signature) }, situation), /signature is not/);
    const cut = base64Encode(signature.subarray(0, 50));
    assertOnly(
      faultsOf({ ...right, signature: cut }, situation),
      /cannot be read: the signature is cut short/,
    );
  });

  test('with another PCR value, fewer, or more', () => {
    const [first, ...others] = right.pcrs;
    assert.ok(first !== undefined);
    const changed = [{ ...first, value: 'ff'.repeat(32) }, ...others];
    assertOnly(
      faultsOf({ ...right, pcrs: changed }, situation),
      /do not digest to what was quoted/,
      /PCR 0 holds none of its reference values/,
    );
    assertOnly(
      faultsOf({ ...right, pcrs: others }, situation),
      /not of the PCRs that were quoted/,
      /does not cover PCR 0/,
    );
    const more = [...right.pcrs, { index: 9, value: '00'.repeat(32) }];
    assertOnly(faultsOf({ ...right, pcrs: more }, situation), /not of the PCRs that were quoted/);
  });

  test('of a machine that measured something else', () => {
    const measured = trustOf(log, {
      ...attestationOf(right, key),
      pcrs: [{ index: 7, values: ['11'.repeat(32), '22'.repeat(32)] }],
    });
    assertOnly(
      faultsOf(right, { ...situation, trust: measured }),
      /PCR 7 holds none of its reference values/,
    );
    const uncovered = trustOf(log, {
      ...attestationOf(right, key),
      pcrs: [{ index: 14, values: ['00'.repeat(32)] }],
    });
    assertOnly(faultsOf(right, { ...situation, trust: uncovered }), /does not cover PCR 14/);
  });

  test('of another machine, whatever it says its key is', async () => {
    const other = await machine();
    const otherKey = other.createKey();
    const foreign = quoteRecord(other, otherKey, log);
    assertOnly(faultsOf(foreign, situation), /names no attestation key 000b[0-9a-f]{64} for this log/);
    const claimed = faultsOf({ ...foreign, key: key.name }, situation);
    assert.match(claimed[0] ?? '', /signature is not of the attestation key/);
    const ownTrust = trustOf(log, attestationOf(foreign, otherKey));
    assertOnly(faultsOf(foreign, { ...situation, trust: ownTrust }));
  });

  test('by another key of the same machine', () => {
    const resigned = quoteRecord(tpm, tpm.createKey(), log);
    assertOnly(faultsOf(resigned, situation), /names no attestation key/);
    // A second key hides the counts with an offset of its own, so they may lie on either side of the enrolment's.
    const [forged] = faultsOf({ ...resigned, key: key.name }, situation);
    assert.match(forged ?? '', /signature is not/);
  });

  test('replayed under a newer checkpoint than the one it was made for', () => {
    const newer = firstCheckpoint(log, quoteIndex).replace('\n1\n', '\n0\n');
    assert.notEqual(newer, right.checkpoint);
    const resigned = log.checkpoint(1, new Uint8Array(32).fill(9));
    assertOnly(faultsOf({ ...right, checkpoint: resigned }, situation), /qualifying data are not those/);
    assertOnly(faultsOf({ ...right, checkpoint: newer }, situation), /of no trusted log: the signature/);
  });

  test('that follows a checkpoint which does not lie before it', () => {
    const late = quoteRecord(tpm, key, log, firstCheckpoint(log, quoteIndex + 1));
    assertOnly(faultsOf(late, situation), /not older than itself/);
    assertOnly(faultsOf(late, { ...situation, index: quoteIndex + 1 }));
  });

  test('that follows the checkpoint of another log, or of nobody', () => {
    const stranger = new TestLog();
    const unsigned = quoteRecord(tpm, key, stranger, firstCheckpoint(stranger));
    assertOnly(faultsOf(unsigned, situation), /of no trusted log/);
    const second = new TestLog('other.example/log');
    const elsewhere = quoteRecord(tpm, key, second, firstCheckpoint(second));
    const both = { ...situation.trust, logs: [...situation.trust.logs, ...second.trust.logs] };
    assertOnly(faultsOf(elsewhere, { ...situation, trust: both }), /checkpoint of another log/);
    assertOnly(
      faultsOf({ ...right, checkpoint: 'no note' }, situation),
      /of no trusted log: .*cannot be read/,
    );
  });

  test('by a key that is trusted in another log only', () => {
    const [only] = attestationOf(right, key).keys;
    assert.ok(only !== undefined);
    const elsewhere = trustOf(log, {
      ...attestationOf(right, key),
      keys: [{ ...only, log: 'other.example/log' }],
    });
    assertOnly(faultsOf(right, { ...situation, trust: elsewhere }), /names no attestation key/);
  });

  test('by a key that the trust bundle names, and that is no point of its curve', () => {
    const publicArea = key.publicArea.slice();
    publicArea[publicArea.length - 1] = (publicArea.at(-1) ?? 0) ^ 1;
    const name = tpmNameOf(publicArea);
    const bent = trustOf(log, attestationOf(right, { ...key, name, publicArea }));
    const faults = faultsOf({ ...right, key: name }, { ...situation, trust: bent });
    assertOnly(faults, /attestation key is none: not a point of NIST P-256/);
  });

  test('older than the trust bundle allows, or younger than what cites it', () => {
    const cited = (citedAt: string) => faultsOf(right, { ...situation, citedAt });
    assertOnly(cited('2026-01-01T00:00:50.000Z'));
    assertOnly(cited('2026-01-01T00:00:50.001Z'), /it was 60\.001 s old, and 60 s are the most/);
    assertOnly(cited(quotedAt));
    assertOnly(cited('2025-12-31T23:59:49.999Z'), /after what cites it/);
  });

  test('and without attestation keys everything that the record says of itself is judged all the same', () => {
    const keyless = { ...situation, trust: trustOf(log, null) };
    assertOnly(faultsOf(right, keyless));
    assertOnly(faultsOf({ ...right, pcrs: right.pcrs.slice(1) }, keyless), /not of the PCRs/);
    const other = log.checkpoint(1, new Uint8Array(32).fill(9));
    assertOnly(faultsOf({ ...right, checkpoint: other }, keyless), /qualifying data are not those/);
  });
});

/** What the fields are worth apart from the signature: an attestation key whose private half is known, as after a theft. */
describe('a stolen attestation key', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  let genuine: QuoteRecord;
  let key: ToolKey;
  let situation: QuoteSituation;

  before(async () => {
    const tpm = await machine();
    genuine = quoteRecord(tpm, tpm.createKey(), log);
    const publicArea = publicAreaOf(publicKey);
    key = { name: tpmNameOf(publicArea), publicArea, handle: '' };
    const trust = trustOf(log, attestationOf(genuine, key));
    situation = { trust, index: quoteIndex, citedAt: null, previous: null };
  });

  function signed(change: (attest: Uint8Array) => Uint8Array): QuoteRecord {
    const attest = change(base64Decode(genuine.attest));
    const raw = sign('sha256', attest, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    const scalar = (start: number) => [Uint8Array.of(0, 32), new Uint8Array(raw.subarray(start, start + 32))];
    const signature = concatBytes(hexDecode('0018000b'), ...scalar(0), ...scalar(32));
    return { ...genuine, key: key.name, attest: base64Encode(attest), signature: base64Encode(signature) };
  }

  test('signs a quote that holds', () =>
    assertOnly(
      faultsOf(
        signed((attest) => attest),
        situation,
      ),
    ));

  test('signs nothing else that would hold', () => {
    const flip = (offset: number) => (attest: Uint8Array) => {
      attest[offset] = (attest[offset] ?? 0) ^ 1;
      return attest;
    };
    assertOnly(faultsOf(signed(flip(0)), situation), /magic is missing/);
    assertOnly(faultsOf(signed(flip(5)), situation), /another type/);
    assertOnly(faultsOf(signed(flip(60)), situation), /qualifying data/);
    assertOnly(faultsOf(signed(flip(108)), situation), /not of the PCRs/);
    assertOnly(faultsOf(signed(flip(130)), situation), /do not digest/);
    assertOnly(
      faultsOf(
        signed((attest) => concatBytes(attest, Uint8Array.of(0))),
        situation,
      ),
      /1 bytes too many/,
    );
    assertOnly(
      faultsOf(
        signed((attest) => attest.subarray(0, -1)),
        situation,
      ),
      /cut short/,
    );
  });
});

/** TPMT_PUBLIC of a restricted signing key, as if the software key were one. */
function publicAreaOf(publicKey: KeyObject): Uint8Array {
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const head = hexDecode('0023000b00050072000000100018000b00030010');
  const coordinates = [x, y].flatMap((text) => [
    Uint8Array.of(0, 32),
    new Uint8Array(Buffer.from(text, 'base64url')),
  ]);
  return concatBytes(head, ...coordinates);
}
