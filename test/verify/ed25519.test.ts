import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { describe, test } from 'node:test';
import * as ed from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { concatBytes } from '../../src/format/bytes.js';
import { hexDecode, hexEncode } from '../../src/format/hex.js';
import { nobleBackend, verifyingKey } from '../../src/verify/ed25519.js';

/** RFC 8032 section 7.1: public key, message, signature. */
const vectors: readonly (readonly [string, string, string, string])[] = [
  [
    'TEST 1',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    'TEST 2',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'TEST 3',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
  [
    'TEST SHA(abc)',
    'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    'dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704',
  ],
];

const order = ed.Point.CURVE().n;
/** A generator of the eight points whose order divides the cofactor. */
const torsion = ed.Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a');

const backends = [
  ['the platform', undefined],
  ['noble', nobleBackend],
] as const;

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${hexEncode(bytes.slice().reverse())}`);
}

function toLittleEndian(scalar: bigint): Uint8Array {
  return hexDecode(scalar.toString(16).padStart(64, '0')).reverse();
}

/** Signs by hand, so that R can be given a torsion component and S need not be reduced. */
function craft(
  message: Uint8Array,
  { torsionInR = 0n, torsionInKey = 0n },
): { key: Uint8Array; signature: Uint8Array } {
  const secret = 0x1234567890abcdefn;
  const nonce = 0xfedcba0987654321n;
  const withTorsion = (point: ed.Point, factor: bigint) =>
    factor === 0n ? point : point.add(torsion.multiply(factor, false));
  const key = withTorsion(ed.Point.BASE.multiply(secret), torsionInKey).toBytes();
  const commitment = withTorsion(ed.Point.BASE.multiply(nonce), torsionInR).toBytes();
  const challenge = littleEndian(sha512(concatBytes(commitment, key, message))) % order;
  return { key, signature: concatBytes(commitment, toLittleEndian((nonce + challenge * secret) % order)) };
}

for (const [name, backend] of backends) {
  describe(`Ed25519 by ${name}`, () => {
    for (const [vector, key, message, signature] of vectors) {
      test(`RFC 8032 ${vector}`, () => {
        const verifier = verifyingKey(hexDecode(key), backend);
        assert.equal(verifier.verify(hexDecode(message), hexDecode(signature)), true);
        assert.equal(verifier.verify(hexDecode(`${message}00`), hexDecode(signature)), false);
      });
    }

    test("leaves the caller's bytes alone, Buffers included", () => {
      const [, key, message, signature] = vectors[1] as (typeof vectors)[number];
      const verifier = verifyingKey(Buffer.from(key, 'hex'), backend);
      const bytes = Buffer.from(signature, 'hex');
      for (let attempt = 0; attempt < 3; attempt++)
        assert.ok(verifier.verify(Buffer.from(message, 'hex'), bytes));
      assert.equal(bytes.toString('hex'), signature);
    });

    test('agrees with signatures that Node makes, and refuses every flipped bit', () => {
      const { publicKey, privateKey } = generateKeyPairSync('ed25519');
      const raw = new Uint8Array(Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'));
      const verifier = verifyingKey(raw, backend);
      const message = new Uint8Array([1, 2, 3]);
      const signature = new Uint8Array(sign(null, message, privateKey));
      assert.ok(verifier.verify(message, signature));
      fc.assert(
        fc.property(fc.nat(511), (bit) => {
          const forged = signature.slice();
          forged[bit >> 3] = (forged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          assert.equal(verifier.verify(message, forged), false);
        }),
        { numRuns: 40 },
      );
    });

    test('refuses S + L, which proves the same equation', () => {
      const [, key, message, signature] = vectors[1] as (typeof vectors)[number];
      const bytes = hexDecode(signature);
      const shifted = concatBytes(bytes.slice(0, 32), toLittleEndian(littleEndian(bytes.slice(32)) + order));
      assert.equal(verifyingKey(hexDecode(key), backend).verify(hexDecode(message), shifted), false);
    });

    test('refuses R plus a point of order 8, which only the cofactored equation accepts', () => {
      const message = hexDecode('00');
      const honest = craft(message, {});
      assert.equal(verifyingKey(honest.key, backend).verify(message, honest.signature), true);
      const mixed = craft(message, { torsionInR: 1n });
      assert.equal(verifyingKey(mixed.key, backend).verify(message, mixed.signature), false);
    });

    test('refuses a small-order R even where the equation holds', () => {
      const secret = 0x1234567890abcdefn;
      const key = ed.Point.BASE.multiply(secret).toBytes();
      const message = hexDecode('00');
      const commitment = ed.Point.ZERO.toBytes();
      const challenge = littleEndian(sha512(concatBytes(commitment, key, message))) % order;
      const signature = concatBytes(commitment, toLittleEndian((challenge * secret) % order));
      assert.equal(verifyingKey(key, backend).verify(message, signature), false);
    });

    test('refuses keys that are small-order, mixed-order, not canonical or not on the curve', () => {
      const message = hexDecode('00');
      for (let factor = 0n; factor < 8n; factor++) {
        const point = factor === 0n ? ed.Point.ZERO : torsion.multiply(factor, false);
        assert.throws(() => verifyingKey(point.toBytes(), backend), /prime order/);
      }
      assert.throws(() => verifyingKey(craft(message, { torsionInKey: 1n }).key, backend), /prime order/);
      const nonCanonical = hexDecode(`eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f`);
      assert.throws(() => verifyingKey(nonCanonical, backend), RangeError);
      assert.throws(() => verifyingKey(hexDecode('02'.padEnd(64, '0')), backend), RangeError);
      assert.throws(() => verifyingKey(new Uint8Array(31), backend), /canonical encoding/);
    });

    test('refuses signatures of another length', () => {
      const { key } = craft(hexDecode('00'), {});
      const verifier = verifyingKey(key, backend);
      for (const length of [0, 63, 65])
        assert.equal(verifier.verify(hexDecode('00'), new Uint8Array(length)), false);
    });
  });
}

describe('why the rule is ours', () => {
  test('Node accepts the identity as a public key, so the check before it is needed', () => {
    const identity = ed.Point.ZERO.toBytes();
    const key = {
      key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(identity).toString('base64url') },
      format: 'jwk',
    } as const;
    const forged = concatBytes(identity, new Uint8Array(32));
    assert.equal(verify(null, new Uint8Array(5), key, forged), true);
    assert.throws(() => verifyingKey(identity), /prime order/);
  });

  test('noble alone accepts R plus a point of order 8, so its own verify is not used', () => {
    ed.hashes.sha512 = sha512;
    const message = hexDecode('00');
    const { key, signature } = craft(message, { torsionInR: 1n });
    assert.equal(ed.verify(signature, message, key), true);
  });

  test('the seed of TEST 1 leads to its public key in Node, as a check of these vectors', () => {
    const seed = hexDecode('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60');
    const der = concatBytes(hexDecode('302e020100300506032b657004220420'), seed);
    const key = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
    assert.equal(hexEncode(new Uint8Array(sign(null, new Uint8Array(), key))), vectors[0]?.[3]);
  });
});
