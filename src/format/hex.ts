/** Lower-case hexadecimal, the spelling of digests in ids and DigestSets. */

import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';

/** Node's own coder, several times as quick; the same text from both. */
const nodeBuffer = globalThis.process?.getBuiltinModule?.('node:buffer')?.Buffer;

/** Encodes bytes as lower-case hex. */
export const hexEncode: (bytes: Uint8Array) => string =
  nodeBuffer === undefined
    ? bytesToHex
    : ({ buffer, byteOffset, length }) => nodeBuffer.from(buffer, byteOffset, length).toString('hex');

/** Decodes lower-case hex; throws SyntaxError for upper case, odd length or other characters. */
export function hexDecode(text: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) throw new SyntaxError('not lower-case hexadecimal');
  return hexToBytes(text);
}
