/** Standard base64 with padding (RFC 4648 section 4), one spelling for each value: non-canonical text is refused. */

const chunkBytes = 8192;

/** Encodes bytes as padded base64. */
export function base64Encode(bytes: Uint8Array): string {
  let binary = '';
  for (let offset = 0; offset < bytes.length; offset += chunkBytes) {
    binary += String.fromCharCode(...bytes.subarray(offset, offset + chunkBytes));
  }
  return btoa(binary);
}

/**
 * Decodes padded base64. Throws SyntaxError for white space, missing padding, a foreign alphabet, or set bits
 * behind the last byte, so that a flipped character can never decode to the same bytes.
 */
export function base64Decode(text: string): Uint8Array {
  let binary: string;
  try {
    binary = atob(text);
  } catch (cause) {
    throw new SyntaxError('not base64 (RFC 4648 section 4)', { cause });
  }
  if (btoa(binary) !== text) throw new SyntaxError('not canonical base64 (RFC 4648 section 3.5)');
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
