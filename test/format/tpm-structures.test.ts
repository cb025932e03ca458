/** What TPMs marshal: recorded from a real swtpm, made up, and damaged. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { concatBytes } from '../../src/format/bytes.js';
import { hexDecode, hexEncode } from '../../src/format/hex.js';
import { type AttestedQuote, parseAttestedQuote } from '../../src/format/tpm-attest.js';
import { parseAttestationPublic, tpmNameOf } from '../../src/format/tpm-public.js';
import { parseEcdsaSignature } from '../../src/format/tpm-signature.js';
import { p256Key } from '../../src/verify/p256.js';

/** Recorded: swtpm 0.7.1 with tpm2-tools 5.4, a key of the endorsement hierarchy, qualifying data 00ff, PCRs 0, 1 and 2. */
const recorded = {
  attest: hexDecode(
    [
      'ff54434780180022000b6a69d7ed95203f29d2bddf5feaa84ca9c3d8cf58915bc05d954aef07092e0870000200ff0000',
      '000000000119000000010000000001201910230016363600000001000b0307000000202ea9ab9198d1638007400cd2c3',
      'bef1cc745b864b76011a0e1bc52180ac6452d4',
    ].join(''),
  ),
  signature: hexDecode(
    [
      '0018000b00202bff2ddf1a802e450b94b836b9869f6991571b256127a1b673ac32735050d895002081d1c3dbe697e6a0',
      '20ad52c5e77a700220b0d19000f7891a65059fbe5b0617da',
    ].join(''),
  ),
  publicArea: hexDecode(
    [
      '0023000b00050072000000100018000b0003001000201bd202ffa5d20b1cce9689560f187e041d6c2daf168a0fa2e4e4',
      '7223fb8e3d9000209936162b1361dd09a41312fb46a6d8e4b3a564a5f7943c173c48b354d609c895',
    ].join(''),
  ),
  name: '000bdb9aeee52f36ffb0b2e4303c591ce8e561a2f3a935bfb1df4276a179e35e8453',
};

function u16(value: number): Uint8Array {
  return hexDecode(value.toString(16).padStart(4, '0'));
}

function u32(value: number): Uint8Array {
  return hexDecode(value.toString(16).padStart(8, '0'));
}

function sized(bytes: Uint8Array): Uint8Array {
  return concatBytes(u16(bytes.length), bytes);
}

/** TPMS_ATTEST of a quote, written from Part 2's tables. */
function marshal(quote: AttestedQuote): Uint8Array {
  const select = [0, 1, 2].map((byte) =>
    quote.pcrs.reduce((bits, pcr) => (pcr >> 3 === byte ? bits | (1 << (pcr & 7)) : bits), 0),
  );
  return concatBytes(
    hexDecode('ff5443478018'),
    sized(quote.signer),
    sized(quote.extraData),
    hexDecode(quote.clock.clockMs.toString(16).padStart(16, '0')),
    u32(quote.clock.resetCount),
    u32(quote.clock.restartCount),
    Uint8Array.of(quote.clock.isSafe ? 1 : 0),
    hexDecode(quote.firmwareVersion),
    hexDecode('00000001000b03'),
    Uint8Array.from(select),
    sized(quote.pcrDigest),
  );
}

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const count = fc.integer({ min: 0, max: 0xffff_ffff });
const clocks = { clockMs: fc.maxSafeNat(), resetCount: count, restartCount: count, isSafe: fc.boolean() };
const quotes: fc.Arbitrary<AttestedQuote> = fc.record(
  {
    signer: fc.uint8Array({ maxLength: 66 }),
    extraData: fc.uint8Array({ maxLength: 66 }),
    clock: fc.record(clocks, { noNullPrototype: true }),
    firmwareVersion: bytesOf(8).map(hexEncode),
    pcrs: fc.uniqueArray(fc.nat(23), { minLength: 1 }).map((pcrs) => pcrs.sort((a, b) => a - b)),
    pcrDigest: bytesOf(32),
  },
  { noNullPrototype: true },
);

/** Cut at every length, and with something behind. */
function assertWhole(parse: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void {
  for (let length = 0; length < bytes.length; length++)
    assert.throws(() => parse(bytes.subarray(0, length)), SyntaxError, `cut to ${length} bytes`);
  assert.throws(() => parse(concatBytes(bytes, Uint8Array.of(0))), /1 bytes too many/);
}

/** Whatever is changed, the parser answers or throws SyntaxError, and looks at no byte outside of what it was given. */
function fuzz(parse: (bytes: Uint8Array) => unknown, sample: Uint8Array): void {
  const changes = fc.array(fc.tuple(fc.nat(sample.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  const damaged = changes.map((all) => {
    const bytes = sample.slice();
    for (const [at, value] of all) bytes[at] = value;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 300 })), (bytes) => {
      let alone: unknown;
      try {
        alone = parse(bytes);
      } catch (cause) {
        if (cause instanceof SyntaxError) return;
        throw cause;
      }
      const among = concatBytes(new Uint8Array(7).fill(0xaa), bytes, new Uint8Array(9).fill(0xbb));
      assert.deepEqual(parse(among.subarray(7, 7 + bytes.length)), alone);
    }),
    { numRuns: 2000 },
  );
}

describe('a quote', () => {
  test('recorded from a TPM is read', () => {
    const quote = parseAttestedQuote(recorded.attest);
    assert.equal(hexEncode(quote.extraData), '00ff');
    assert.deepEqual(quote.pcrs, [0, 1, 2]);
    assert.deepEqual(quote.clock, { clockMs: 281, resetCount: 1, restartCount: 0, isSafe: true });
    assert.equal(quote.firmwareVersion, '2019102300163636');
    assert.equal(quote.signer.length, 34);
    assertWhole(parseAttestedQuote, recorded.attest);
    assert.deepEqual(marshal(quote), recorded.attest);
  });

  test('of any content is read as it was written', () => {
    fc.assert(fc.property(quotes, (quote) => assert.deepEqual(parseAttestedQuote(marshal(quote)), quote)));
  });

  test('damaged in any way is read otherwise or refused', () => fuzz(parseAttestedQuote, recorded.attest));

  const refusals: readonly (readonly [string, number, string, RegExp])[] = [
    ['not generated by a TPM', 0, '00000000', /magic is missing \(at byte 4\)/],
    ['an attestation of a creation', 4, '801a', /attestation of another type/],
    ['a signer longer than any Name', 6, '0043', /holds 67 bytes where 66 are the most/],
    ['a clock beyond exact numbers', 46, 'ffffffffffffffff', /clock beyond all time/],
    ['a flag of 2', 62, '02', /neither yes nor no/],
    ['two banks', 71, '00000002', /SHA-256 bank alone/],
    ['the SHA-1 bank', 75, '0004', /SHA-256 bank alone/],
    ['a selection of 5 bytes', 77, '05', /PCRs that no TPM has/],
    ['an empty selection', 78, '000000', /covers no PCR/],
    ['a shorter digest', 81, '001f', /PCR digest that is not SHA-256/],
  ];
  for (const [what, offset, hex, message] of refusals) {
    test(`with ${what} is refused`, () => {
      const bytes = recorded.attest.slice();
      bytes.set(hexDecode(hex), offset);
      assert.throws(() => parseAttestedQuote(bytes), message);
    });
  }
});

describe('the public area of an attestation key', () => {
  test('recorded from a TPM is read, and digests to its Name', () => {
    const { x, y, attributes } = parseAttestationPublic(recorded.publicArea);
    assert.equal(attributes, 0x0005_0072);
    assert.equal(tpmNameOf(recorded.publicArea), recorded.name);
    assertWhole(parseAttestationPublic, recorded.publicArea);
    const key = p256Key(x, y);
    assert.equal(key.verify(recorded.attest, parseEcdsaSignature(recorded.signature)), true);
  });

  test('damaged in any way is read otherwise or refused', () =>
    fuzz(parseAttestationPublic, recorded.publicArea));

  test('without leading zeros of its coordinates is the same point', () => {
    const head = recorded.publicArea.subarray(0, 20);
    const [x, y] = [new Uint8Array(31).fill(1), new Uint8Array(30).fill(2)];
    const short = parseAttestationPublic(concatBytes(head, sized(x), sized(y)));
    assert.deepEqual(short.x, concatBytes(Uint8Array.of(0), x));
    assert.deepEqual(short.y, concatBytes(Uint8Array.of(0, 0), y));
    assert.throws(() => parseAttestationPublic(concatBytes(head, sized(x), u16(0))), /has no point/);
  });

  const refusals: readonly (readonly [string, number, string, RegExp])[] = [
    ['RSA', 0, '0001', /not of an ECC key/],
    ['a SHA-1 name', 2, '0004', /name that is not SHA-256/],
    ['a key that may leave its TPM', 4, '00050070', /not fixedTPM/],
    ['a key that may leave its parent', 4, '00050062', /not fixedParent/],
    ['a key from outside', 4, '00050052', /not sensitiveDataOrigin/],
    ['a key that signs anything', 4, '00040072', /not restricted/],
    ['a storage key', 4, '00030072', /not sign$|not sign /],
    ['a key that also decrypts', 4, '00070072', /also decrypts/],
    ['a symmetric algorithm', 10, '0006', /names a symmetric algorithm/],
    ['another scheme', 12, '001a', /not of a key for ECDSA with SHA-256/],
    ['another digest', 14, '000c', /not of a key for ECDSA with SHA-256/],
    ['another curve', 16, '0004', /not of a key on NIST P-256/],
    ['a key derivation', 18, '0020', /names a key derivation/],
  ];
  for (const [what, offset, hex, message] of refusals) {
    test(`of ${what} is refused`, () => {
      const bytes = recorded.publicArea.slice();
      bytes.set(hexDecode(hex), offset);
      assert.throws(() => parseAttestationPublic(bytes), message);
    });
  }
});

describe('a signature', () => {
  test('recorded from a TPM is read', () => {
    const signature = parseEcdsaSignature(recorded.signature);
    assert.deepEqual(
      signature,
      concatBytes(recorded.signature.subarray(6, 38), recorded.signature.subarray(40)),
    );
    assertWhole(parseEcdsaSignature, recorded.signature);
  });

  test('damaged in any way is read otherwise or refused', () =>
    fuzz(parseEcdsaSignature, recorded.signature));

  test('without leading zeros is the same', () => {
    const short = concatBytes(hexDecode('0018000b'), sized(Uint8Array.of(5)), sized(new Uint8Array(0)));
    const expected = new Uint8Array(64);
    expected[31] = 5;
    assert.deepEqual(parseEcdsaSignature(short), expected);
  });

  test('of another algorithm, or longer than the curve, is refused', () => {
    const rsa = concatBytes(hexDecode('0014000b'), sized(new Uint8Array(256)));
    assert.throws(() => parseEcdsaSignature(rsa), /not ECDSA/);
    const sha1 = concatBytes(hexDecode('00180004'), sized(new Uint8Array(32)), sized(new Uint8Array(32)));
    assert.throws(() => parseEcdsaSignature(sha1), /not over SHA-256/);
    const long = concatBytes(hexDecode('0018000b'), sized(new Uint8Array(33)), sized(new Uint8Array(32)));
    assert.throws(() => parseEcdsaSignature(long), /holds 33 bytes where 32 are the most/);
  });
});
