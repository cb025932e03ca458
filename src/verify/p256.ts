/**
 * ECDSA over SHA-256 on NIST P-256 (FIPS 186-5): what TPMs sign quotes with. Both scalars must lie between 1 and the order
 * less 1. Of the two signatures that every signer can make of one, TPMs do not choose the lower, so both are accepted:
 * nothing here is named by its signature.
 */

import { base64Encode } from '../format/base64.js';
import { hexDecode, hexEncode } from '../format/hex.js';
import { sha256 } from '../hash/sha256.js';
import {
  affineX,
  type CurvePoint,
  combine,
  curvePoint,
  generator,
  groupOrder,
  inverse,
} from './p256-curve.js';

/** A public key that was checked once and then verifies many signatures. */
export interface P256Key {
  /** True only for a valid signature (r then s, 64 bytes) over `message`; never throws. */
  verify(message: Uint8Array, signature: Uint8Array): boolean;
}

/** Whether the signature is the key's; key, length and ranges are checked before it is asked. */
type Equation = (message: Uint8Array, signature: Uint8Array) => boolean;

/** Builds the equation for one checked key. */
export type P256Backend = (point: CurvePoint) => Equation;

/**
 * Prepares a public key, on the platform's own ECDSA where there is a synchronous one. Throws RangeError for coordinates
 * (32 bytes each, big-endian) that are no point of the curve.
 */
export function p256Key(x: Uint8Array, y: Uint8Array, backend: P256Backend = platformBackend()): P256Key {
  const point = curvePoint(bigEndian(x), bigEndian(y));
  if (point === null) throw new RangeError('not a point of NIST P-256');
  const equation = backend(point);
  return {
    verify: (message, signature) =>
      signature.length === 64 &&
      isScalar(bigEndian(signature.subarray(0, 32))) &&
      isScalar(bigEndian(signature.subarray(32))) &&
      equation(message, signature),
  };
}

/** Verification in JavaScript, for platforms without a synchronous ECDSA. */
export const portableBackend: P256Backend = (point) => (message, signature) => {
  const r = bigEndian(signature.subarray(0, 32));
  const scale = inverse(bigEndian(signature.subarray(32)), groupOrder);
  const digest = bigEndian(sha256(message));
  const x = affineX(combine((digest * scale) % groupOrder, generator, (r * scale) % groupOrder, point));
  return x !== null && x % groupOrder === r;
};

function nodeBackend(crypto: NodeCrypto): P256Backend {
  return ([x, y]) => {
    const jwk = { kty: 'EC', crv: 'P-256', x: base64Url(x), y: base64Url(y) };
    const key = crypto.createPublicKey({ key: jwk, format: 'jwk' });
    return (message, signature) =>
      crypto.verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature);
  };
}

type NodeCrypto = NonNullable<ReturnType<typeof nodeCrypto>>;

/** Node's crypto module without importing it: this file also runs in browsers, whose ECDSA is asynchronous. */
function nodeCrypto() {
  return globalThis.process?.getBuiltinModule?.('node:crypto');
}

function platformBackend(): P256Backend {
  const crypto = nodeCrypto();
  return crypto === undefined ? portableBackend : nodeBackend(crypto);
}

function isScalar(value: bigint): boolean {
  return value > 0n && value < groupOrder;
}

function bigEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x0${hexEncode(bytes)}`);
}

function base64Url(coordinate: bigint): string {
  const hex = coordinate.toString(16).padStart(64, '0');
  return base64Encode(hexDecode(hex)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
