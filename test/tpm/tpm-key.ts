/** Public keys of a TPM as other programs read them. */

import { createPublicKey, type KeyObject } from 'node:crypto';
import type { AttestationKey } from '../../src/tpm/attester.js';

/** The P-256 key whose TPMT_PUBLIC ends with the point: two coordinates of 32 bytes, each behind its length. */
export function p256Key({ publicArea }: Pick<AttestationKey, 'publicArea'>): KeyObject {
  const point = Buffer.from(publicArea.subarray(-68));
  if (point.readUInt16BE(0) !== 32 || point.readUInt16BE(34) !== 32) throw new Error('no P-256 key');
  const coordinate = (start: number) => point.subarray(start, start + 32).toString('base64url');
  return createPublicKey({
    key: { kty: 'EC', crv: 'P-256', x: coordinate(2), y: coordinate(36) },
    format: 'jwk',
  });
}

export function attestationKeyPem(key: AttestationKey): string {
  return p256Key(key).export({ type: 'spki', format: 'pem' }).toString();
}

/** r and s of a TPMT_SIGNATURE of an ECDSA key, 32 bytes each, as `ieee-p1363` has them. */
export function rawEcdsaSignature(signature: Uint8Array): Buffer {
  const bytes = Buffer.from(signature);
  const part = (start: number) => {
    const size = bytes.readUInt16BE(start);
    return { value: bytes.subarray(start + 2, start + 2 + size), end: start + 2 + size };
  };
  const r = part(4);
  const s = part(r.end);
  const padded = (value: Buffer) => Buffer.concat([Buffer.alloc(32 - value.length), value]);
  return Buffer.concat([padded(r.value), padded(s.value)]);
}
