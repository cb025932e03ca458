/** UTF-8 text and bytes, strictly: bytes that are no UTF-8 are an error, never replacement characters. */

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Up to here the plain loop over ASCII is quicker than the platform's encoder. */
const shortTextChars = 512;

/** Encodes well-formed text. A lone surrogate throws, because TextEncoder would silently replace it. */
export function utf8Encode(text: string): Uint8Array {
  const ascii = text.length <= shortTextChars ? asciiBytes(text) : null;
  if (ascii !== null) return ascii;
  if (!text.isWellFormed()) throw new TypeError('text holds a lone surrogate, which has no UTF-8 form');
  return encoder.encode(text);
}

/** How many bytes `utf8Encode` makes of a text. Throws like it. */
export function utf8Length(text: string): number {
  return isShortAscii(text) ? text.length : utf8Encode(text).length;
}

function isShortAscii(text: string): boolean {
  if (text.length > shortTextChars) return false;
  for (let position = 0; position < text.length; position++) {
    if (text.charCodeAt(position) > 0x7f) return false;
  }
  return true;
}

/** The bytes of ASCII text; null for any other. */
function asciiBytes(text: string): Uint8Array | null {
  const bytes = new Uint8Array(text.length);
  for (let position = 0; position < text.length; position++) {
    const code = text.charCodeAt(position);
    if (code > 0x7f) return null;
    bytes[position] = code;
  }
  return bytes;
}

/** Decodes bytes as UTF-8, a byte order mark kept as a character; throws TypeError on anything else. */
export function utf8Decode(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
