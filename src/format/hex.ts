/** Lower-case hexadecimal, the spelling of digests in ids and DigestSets. */

import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';

/** Encodes bytes as lower-case hex. */
export function hexEncode(bytes: Uint8Array): string {
  return bytesToHex(bytes);
}

/** Decodes lower-case hex; throws SyntaxError for upper case, odd length or other characters. */
export function hexDecode(text: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) throw new SyntaxError('not lower-case hexadecimal');
  return hexToBytes(text);
}
