/** SHA-256 (FIPS 180-4), the hash of RFC 6962 trees and C2SP key ids. */

import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';

/** The 32-byte digest of a message. */
export function sha256(message: Uint8Array): Uint8Array {
  return nobleSha256(message);
}
