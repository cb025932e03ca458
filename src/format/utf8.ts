/** UTF-8 text and bytes, strictly: bytes that are no UTF-8 are an error, never replacement characters. */

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Encodes well-formed text. A lone surrogate throws, because TextEncoder would silently replace it. */
export function utf8Encode(text: string): Uint8Array {
  if (!text.isWellFormed()) throw new TypeError('text holds a lone surrogate, which has no UTF-8 form');
  return encoder.encode(text);
}

/** Decodes bytes as UTF-8, a byte order mark kept as a character; throws TypeError on anything else. */
export function utf8Decode(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
