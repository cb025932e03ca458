/** Standard base64 with padding (RFC 4648 section 4), one spelling for each value: non-canonical text is refused. */

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** The six bits of each character; 64 for those outside the alphabet. */
const sixBits = new Uint8Array(128).fill(64);
for (const [bits, character] of [...alphabet].entries()) sixBits[character.charCodeAt(0)] = bits;

const paddingCode = 0x3d;
const chunkBytes = 8192;
/** Up to here the plain loop is quicker than a call into Node's buffers. */
const shortTextChars = 88;

/** Node's own coder, many times as quick for long texts; browsers have none that is as strict and synchronous. */
const nodeBuffer = globalThis.process?.getBuiltinModule?.('node:buffer')?.Buffer;

/** Encodes bytes as padded base64. */
export const base64Encode: (bytes: Uint8Array) => string =
  nodeBuffer === undefined
    ? portableEncode
    : ({ buffer, byteOffset, length }) => nodeBuffer.from(buffer, byteOffset, length).toString('base64');

/**
 * Decodes padded base64. Throws SyntaxError for white space, missing padding, a foreign alphabet, or set bits
 * behind the last byte, so that a flipped character can never decode to the same bytes.
 */
export function base64Decode(text: string): Uint8Array {
  const bytes = new Uint8Array(base64DecodedLength(text));
  base64DecodeInto(text, bytes);
  return bytes;
}

/** Like `base64Decode`, into memory of exactly `base64DecodedLength(text)` bytes. */
export function base64DecodeInto(text: string, bytes: Uint8Array): void {
  if (nodeBuffer === undefined || text.length <= shortTextChars) {
    portableDecodeInto(text, bytes);
    return;
  }
  // Node's decoder passes over characters that it does not know, so each of them costs a byte of the result. What it
  // does know, and base64 does not, is looked for: the URL alphabet, and wide characters, of which it sees the low byte.
  const view = nodeBuffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const isWhole = view.write(text, 'base64') === bytes.length;
  const isForeign =
    text.includes('-') || text.includes('_') || nodeBuffer.byteLength(text, 'utf8') !== text.length;
  if (!isWhole || isForeign || looseBits(text, bytes.length) !== 0) throw refusal(text);
}

/** The bits of the last character behind the last byte: they would make a second spelling of the same bytes. */
function looseBits(text: string, byteCount: number): number {
  switch (byteCount % 3) {
    case 0:
      return 0;
    case 1:
      return bitsAt(text, text.length - 3) & 15;
    default:
      return bitsAt(text, text.length - 2) & 3;
  }
}

/** How many bytes a padded text holds, by its length and padding alone. Throws SyntaxError when it can be none. */
export function base64DecodedLength(text: string): number {
  const { length } = text;
  if (length % 4 !== 0) throw refusal(text);
  if (text.charCodeAt(length - 1) !== paddingCode) return (length / 4) * 3;
  return (length / 4) * 3 - (text.charCodeAt(length - 2) === paddingCode ? 2 : 1);
}

/** The coder for platforms without Node's buffers. */
export function portableEncode(bytes: Uint8Array): string {
  let binary = '';
  for (let offset = 0; offset < bytes.length; offset += chunkBytes) {
    binary += String.fromCharCode(...bytes.subarray(offset, offset + chunkBytes));
  }
  return btoa(binary);
}

/** The decoder for platforms without Node's buffers, and for short texts. Throws like `base64Decode`. */
export function portableDecode(text: string): Uint8Array {
  const bytes = new Uint8Array(base64DecodedLength(text));
  portableDecodeInto(text, bytes);
  return bytes;
}

function portableDecodeInto(text: string, bytes: Uint8Array): void {
  const wholeGroups = bytes.length - (bytes.length % 3);
  let position = 0;
  let seen = 0;
  for (let offset = 0; offset < wholeGroups; offset += 3) {
    const first = bitsAt(text, position);
    const second = bitsAt(text, position + 1);
    const third = bitsAt(text, position + 2);
    const fourth = bitsAt(text, position + 3);
    seen |= first | second | third | fourth;
    bytes[offset] = (first << 2) | (second >> 4);
    bytes[offset + 1] = (second << 4) | (third >> 2);
    bytes[offset + 2] = (third << 6) | fourth;
    position += 4;
  }
  const rest = bytes.length - wholeGroups;
  if (rest > 0) {
    const first = bitsAt(text, position);
    const second = bitsAt(text, position + 1);
    const third = rest === 2 ? bitsAt(text, position + 2) : 0;
    bytes[wholeGroups] = (first << 2) | (second >> 4);
    if (rest === 2) bytes[wholeGroups + 1] = (second << 4) | (third >> 2);
    seen |= first | second | third | (looseBits(text, bytes.length) === 0 ? 0 : 64);
  }
  if (seen >= 64) throw refusal(text);
}

function bitsAt(text: string, position: number): number {
  return sixBits[text.charCodeAt(position)] ?? 64;
}

/** Says what is wrong with a text that no canonical encoder wrote. */
function refusal(text: string): SyntaxError {
  try {
    atob(text);
  } catch (cause) {
    return new SyntaxError('not base64 (RFC 4648 section 4)', { cause });
  }
  return new SyntaxError('not canonical base64 (RFC 4648 section 3.5)');
}
