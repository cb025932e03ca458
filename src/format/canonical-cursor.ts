/**
 * Walks over canonical JSON (RFC 8785) whose shape is known, value by value. It reads only the plainest spelling of
 * each value, and stops at everything else, so that what it has read needs no second look: not for repeated keys, nor
 * escapes, nor numbers that a double cannot hold.
 */

import { type AsciiView, asciiView } from './ascii-view.js';
import { utf8Decode } from './utf8.js';

/** Thrown at whatever is not spelled as expected: the document may be right all the same. Its stack says nothing. */
export const unexpected: unique symbol = Symbol('not the plain canonical spelling');

const quote = 0x22;
const backslash = 0x5c;
const firstPrintable = 0x20;
const lastAscii = 0x7f;
const digitZero = 0x30;
const letterN = 0x6e;
/** Any number of so many decimal digits is a safe integer. */
const maxDigits = 15;

/** 0 for the characters of lower-case hexadecimal, 1 for all others. */
const notHex = new Uint8Array(256).fill(1);
for (const digit of '0123456789abcdef') notHex[digit.charCodeAt(0)] = 0;

/** The last part that stood at some place of a document, and what it was read as. */
export interface PartMemory<Value> {
  known: { readonly bytes: Uint8Array; readonly value: Value } | null;
}

export class CanonicalCursor {
  readonly #bytes: Uint8Array;
  readonly #view: AsciiView;
  /** All of the bytes as text, once it is needed. */
  #text: string | null = null;
  #at = 0;
  /** Parts that are being read, one within the other. A cursor that has thrown is not used again. */
  #partsOpen = 0;

  /** Nothing but ASCII is passed, so positions in the bytes and in the text are the same. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = asciiView(bytes);
  }

  /** Goes past exactly this ASCII text. */
  pass(expected: string): void {
    if (!this.passes(expected)) throw unexpected;
  }

  /** Goes past this short ASCII text if it comes next; says whether it did. */
  passes(expected: string): boolean {
    const bytes = this.#bytes;
    const start = this.#at;
    const { length } = expected;
    if (start + length > bytes.length) return false;
    for (let offset = 0; offset < length; offset++) {
      if (bytes[start + offset] !== expected.charCodeAt(offset)) return false;
    }
    this.#at = start + length;
    return true;
  }

  /**
   * What `read` makes of the text that comes next. If that begins with the text in `memory`, then it is what was made of
   * it before: `read` sees nothing else, provided that what it reads last is no number, whose end is only seen behind it.
   */
  part<Value>(memory: PartMemory<Value>, read: (cursor: CanonicalCursor) => Value): Value {
    const start = this.#at;
    const { known } = memory;
    if (known !== null && this.#view.hasAt(start, known.bytes)) {
      this.#at += known.bytes.length;
      return known.value;
    }
    this.#partsOpen += 1;
    const value = read(this);
    this.#partsOpen -= 1;
    memory.known = { bytes: this.#bytes.slice(start, this.#at), value };
    return value;
  }

  /** The rest of a string whose opening quote is passed, without escapes; its length within the bounds. */
  text(minLength: number, maxLength: number): string {
    const bytes = this.#bytes;
    const end = bytes.length;
    const start = this.#at;
    let at = start;
    for (; at < end; at++) {
      const byte = bytes[at] as number;
      if (byte === quote) break;
      if (byte < firstPrintable || byte === backslash || byte > lastAscii) throw unexpected;
    }
    if (at === end) throw unexpected;
    const length = at - start;
    if (length < minLength || length > maxLength) throw unexpected;
    this.#at = at + 1;
    return this.#string(start, at);
  }

  /** The rest of a string of exactly so many lower-case hexadecimal digits, whose opening quote is passed. */
  hex(digits: number): string {
    const bytes = this.#bytes;
    const start = this.#at;
    const end = start + digits;
    if (end >= bytes.length || bytes[end] !== quote) throw unexpected;
    let foreign = 0;
    for (let at = start; at < end; at++) foreign |= notHex[bytes[at] as number] as number;
    if (foreign !== 0) throw unexpected;
    this.#at = end + 1;
    return this.#string(start, end);
  }

  /** A whole number from `min` to `max`, without a sign. */
  integer(min: number, max: number): number {
    const bytes = this.#bytes;
    const start = this.#at;
    let value = 0;
    let at = start;
    for (; at - start <= maxDigits; at++) {
      const digit = (bytes[at] ?? 0) - digitZero;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    const digits = at - start;
    const padded = digits > 1 && bytes[start] === digitZero;
    if (digits === 0 || digits > maxDigits || padded || value < min || value > max) throw unexpected;
    // A fraction or an exponent would follow at once; whatever the caller passes next is neither.
    this.#at = at;
    return value;
  }

  /** Goes past `null` if it comes next; says whether it did. */
  passesNull(): boolean {
    return this.#bytes[this.#at] === letterN && this.passes('null');
  }

  /** Nothing may follow. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw unexpected;
  }

  /**
   * A string of the document. A slice costs least but keeps the whole text alive: right for a part, which is kept once for
   * many documents, and wrong for the values of each.
   */
  #string(start: number, end: number): string {
    if (this.#partsOpen === 0) return this.#view.text(start, end);
    this.#text ??= utf8Decode(this.#bytes);
    return this.#text.slice(start, end);
  }
}
