/**
 * A redeemer's nonce, and its digest. The log names the digest alone: whoever reads the log must not learn what brings a
 * receipt again.
 */

import { sha3_512 } from '../hash/evidence.js';
import { base64Decode } from './base64.js';
import { hexEncode } from './hex.js';

/**
 * SHA3-512 over the 16 bytes of a nonce, in hex.
 * @param nonce base64 of 16 bytes
 * @throws SyntaxError for what is no base64
 */
export function redeemerNonceDigest(nonce: string): string {
  return hexEncode(sha3_512(base64Decode(nonce)));
}
