/** SHA-256 (FIPS 180-4), the hash of RFC 6962 trees and C2SP key ids. */

import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';

/** Node's one-shot hash. It is quickest when it answers with a string, in which each character is a byte. */
const nodeHash = globalThis.process?.getBuiltinModule?.('node:crypto')?.hash;

/** The 32-byte digest of a message. */
export const sha256: (message: Uint8Array) => Uint8Array =
  nodeHash === undefined ? nobleSha256 : (message) => bytesOf(nodeHash('sha256', message, 'binary'));

/** The 32-byte digest of a text's UTF-8 bytes. */
export const sha256OfText: (text: string) => Uint8Array =
  nodeHash === undefined
    ? (text) => nobleSha256(utf8ToBytes(text))
    : (text) => bytesOf(nodeHash('sha256', text, 'binary'));

function bytesOf(binary: string): Uint8Array {
  const bytes = new Uint8Array(binary.length);
  for (let position = 0; position < bytes.length; position++) bytes[position] = binary.charCodeAt(position);
  return bytes;
}
