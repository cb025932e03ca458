/**
 * Reads the public area of an attestation key: TPMT_PUBLIC of a restricted ECDSA P-256 signing key that never leaves its TPM
 * (TPM 2.0 Library Part 2, section 12.2). A key of any other kind is refused: only a restricted one is unable to sign a
 * quote that its TPM did not make.
 */

import { z } from 'zod';
import { sha256 } from '../hash/sha256.js';
import { ByteReader } from './byte-reader.js';
import { concatBytes } from './bytes.js';
import { hexEncode } from './hex.js';
import { nistP256, tpmAlgorithms } from './tpm-algorithm.js';

/** The public half of an attestation key: a point of NIST P-256, each coordinate of 32 bytes, big-endian. */
export interface AttestationPublic {
  readonly x: Uint8Array;
  readonly y: Uint8Array;
  /** TPMA_OBJECT. */
  readonly attributes: number;
}

const demanded = [
  ['fixedTPM', 1 << 1],
  ['fixedParent', 1 << 4],
  ['sensitiveDataOrigin', 1 << 5],
  ['restricted', 1 << 16],
  ['sign', 1 << 18],
] as const;
const decryptBit = 1 << 17;
const maxPolicyBytes = 64;

/** An object's Name under SHA-256: the algorithm's number and 32 bytes. */
export const tpmNameSchema = z
  .string()
  .regex(/^000b[0-9a-f]{64}$/, 'must be a TPM name under SHA-256 in hex');

/** Name of an object whose name algorithm is SHA-256 (Part 1, section 16), in hex: `000b` and the digest of its public area. */
export function tpmNameOf(publicArea: Uint8Array): string {
  return hexEncode(concatBytes(Uint8Array.of(0x00, tpmAlgorithms.sha256), sha256(publicArea)));
}

/**
 * Throws SyntaxError for anything but one whole public area of such a key, naming the attribute that is wrong. That the
 * point lies on the curve is checked where signatures are (verify/p256.ts).
 */
export function parseAttestationPublic(bytes: Uint8Array): AttestationPublic {
  const reader = new ByteReader(bytes, 'big-endian', 'the public area');
  if (reader.u16() !== tpmAlgorithms.ecc) throw reader.fault('is not of an ECC key');
  if (reader.u16() !== tpmAlgorithms.sha256) throw reader.fault('has a name that is not SHA-256');
  const attributes = reader.u32();
  for (const [name, bit] of demanded)
    if ((attributes & bit) === 0) throw reader.fault(`is of a key that is not ${name}`);
  if ((attributes & decryptBit) !== 0) throw reader.fault('is of a key that also decrypts');
  reader.sized(maxPolicyBytes);
  if (reader.u16() !== tpmAlgorithms.null) throw reader.fault('names a symmetric algorithm');
  if (reader.u16() !== tpmAlgorithms.ecdsa || reader.u16() !== tpmAlgorithms.sha256)
    throw reader.fault('is not of a key for ECDSA with SHA-256');
  if (reader.u16() !== nistP256) throw reader.fault('is not of a key on NIST P-256');
  if (reader.u16() !== tpmAlgorithms.null) throw reader.fault('names a key derivation');
  const x = readCoordinate(reader);
  const y = readCoordinate(reader);
  reader.end();
  return { x, y, attributes };
}

/** Some TPMs leave out leading zeros. */
function readCoordinate(reader: ByteReader): Uint8Array {
  const significant = reader.sized(32);
  if (significant.length === 0) throw reader.fault('has no point');
  return concatBytes(new Uint8Array(32 - significant.length), significant);
}
