/** Reads a signature as a TPM marshalled it: TPMT_SIGNATURE, ECDSA with SHA-256 (TPM 2.0 Library Part 2, section 11.3.4). */

import { ByteReader } from './byte-reader.js';
import { concatBytes } from './bytes.js';
import { tpmAlgorithms } from './tpm-algorithm.js';

/** The longest coordinate or scalar of P-256. */
const scalarBytes = 32;

/**
 * The two scalars as 64 bytes, r then s (IEEE P1363). Throws SyntaxError for any other signature. Whether they are in range
 * is for the verification to say.
 */
export function parseEcdsaSignature(bytes: Uint8Array): Uint8Array {
  const reader = new ByteReader(bytes, 'big-endian', 'the signature');
  if (reader.u16() !== tpmAlgorithms.ecdsa) throw reader.fault('is not ECDSA');
  if (reader.u16() !== tpmAlgorithms.sha256) throw reader.fault('is not over SHA-256');
  const scalars = [reader.sized(scalarBytes), reader.sized(scalarBytes)];
  reader.end();
  return concatBytes(...scalars.flatMap((scalar) => [new Uint8Array(scalarBytes - scalar.length), scalar]));
}
