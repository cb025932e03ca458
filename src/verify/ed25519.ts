/**
 * Ed25519 verification (RFC 8032) under one rule everywhere: canonical S, the equation without the cofactor, and no
 * small-order, mixed-order or non-canonical point. Libraries differ on just these inputs, and a signature that one
 * relying party accepts and another refuses is worse than none.
 */

import { Point } from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';
import { base64Encode } from '../format/base64.js';
import { concatBytes, equalBytes } from '../format/bytes.js';
import { hexDecode, hexEncode } from '../format/hex.js';

/** A public key that was checked once and then verifies many signatures. */
export interface VerifyingKey {
  readonly publicKey: Uint8Array;
  /** True only for a valid 64-byte signature over `message`; never throws. */
  verify(message: Uint8Array, signature: Uint8Array): boolean;
}

/** The equation [S]B = R + [k]A, compared as encodings; range and order checks are done before it is asked. */
type Equation = (message: Uint8Array, signature: Uint8Array) => boolean;

/** Builds the equation for one checked key. */
export type Ed25519Backend = (publicKey: Uint8Array) => Equation;

const groupOrder = Point.CURVE().n;

/** The canonical encodings of the eight points whose order divides the cofactor. */
const smallOrderPoints: readonly Uint8Array[] = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
].map(hexDecode);

/**
 * Checks a raw 32-byte public key and prepares it, on the platform's own Ed25519 where there is one.
 * Throws RangeError for a key that is not canonical, not on the curve, or not of the prime order.
 */
export function verifyingKey(
  publicKey: Uint8Array,
  backend: Ed25519Backend = platformBackend(),
): VerifyingKey {
  assertPrimeOrder(publicKey);
  const key = Uint8Array.from(publicKey);
  const equation = backend(key);
  return {
    publicKey: key,
    verify: (message, signature) =>
      signature.length === 64 &&
      isCanonicalScalar(signature.subarray(32)) &&
      !isSmallOrder(signature.subarray(0, 32)) &&
      equation(message, signature),
  };
}

/** Verification in JavaScript, for platforms without a synchronous Ed25519. */
export const nobleBackend: Ed25519Backend = (publicKey) => {
  const minusKey = Point.fromBytes(publicKey).negate();
  return (message, signature) => {
    const commitment = signature.subarray(0, 32);
    const challenge = littleEndian(sha512(concatBytes(commitment, publicKey, message))) % groupOrder;
    const scalar = littleEndian(signature.subarray(32));
    // Encodings are compared, not points: so the cofactor plays no part and R must be canonical.
    const expected = Point.BASE.multiply(scalar, false).add(minusKey.multiply(challenge, false));
    return equalBytes(expected.toBytes(), commitment);
  };
};

/** Node's OpenSSL compares encodings too, so only the checks around the equation are ours. */
function nodeBackend(crypto: NodeCrypto): Ed25519Backend {
  return (publicKey) => {
    const x = base64Encode(publicKey).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
    const key = crypto.createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    return (message, signature) => crypto.verify(null, message, key, signature);
  };
}

type NodeCrypto = NonNullable<ReturnType<typeof nodeCrypto>>;

/** Node's crypto module without importing it: this file also runs in browsers. */
function nodeCrypto() {
  return globalThis.process?.getBuiltinModule?.('node:crypto');
}

/** Browsers offer Ed25519 only asynchronously, and differ on the edge cases, so they get the JavaScript one. */
function platformBackend(): Ed25519Backend {
  const crypto = nodeCrypto();
  return crypto === undefined ? nobleBackend : nodeBackend(crypto);
}

function assertPrimeOrder(publicKey: Uint8Array): void {
  let point: Point;
  try {
    point = Point.fromBytes(publicKey);
  } catch (cause) {
    throw new RangeError('not the canonical encoding of an Ed25519 public key', { cause });
  }
  if (point.isSmallOrder() || !point.isTorsionFree()) {
    throw new RangeError('the Ed25519 public key is not of the prime order');
  }
}

function isCanonicalScalar(scalar: Uint8Array): boolean {
  return littleEndian(scalar) < groupOrder;
}

function isSmallOrder(point: Uint8Array): boolean {
  return smallOrderPoints.some((small) => equalBytes(small, point));
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${hexEncode(bytes.toReversed())}`);
}
