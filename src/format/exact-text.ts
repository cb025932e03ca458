/**
 * Arguments, paths and file names are bytes to the kernel. Here each has exactly one JSON form: a string when the
 * bytes are UTF-8, else `{"base64": "..."}`. So nothing is lost, and two different byte strings never look alike.
 */

import { z } from 'zod';
import { base64Decode, base64Encode } from './base64.js';
import { utf8Decode, utf8Encode } from './utf8.js';

export type ExactText = string | { readonly base64: string };

/** The one form of a byte string. Throws TypeError for NUL, which no argument or path can hold. */
export function exactText(bytes: Uint8Array): ExactText {
  if (bytes.includes(0)) throw new TypeError('an argument or path cannot hold NUL');
  try {
    return utf8Decode(bytes);
  } catch {
    return { base64: base64Encode(bytes) };
  }
}

/** The bytes behind an exact text. Throws SyntaxError for base64 that is not canonical. */
export function exactBytes(text: ExactText): Uint8Array {
  return typeof text === 'string' ? utf8Encode(text) : base64Decode(text.base64);
}

/** For people: the text, with bytes that are no UTF-8 replaced. Never compare or execute this. */
export function displayText(text: ExactText): string {
  return typeof text === 'string' ? text : new TextDecoder().decode(base64Decode(text.base64));
}

export const exactTextSchema: z.ZodType<ExactText> = z.union([
  z
    .string()
    .refine(
      (text) => text.isWellFormed() && !text.includes('\0'),
      'must hold neither NUL nor a lone surrogate',
    ),
  z
    .strictObject({ base64: z.string() })
    .refine(isMinimal, 'must be base64 of bytes that are not UTF-8 and hold no NUL'),
]);

function isMinimal({ base64 }: { readonly base64: string }): boolean {
  try {
    return typeof exactText(base64Decode(base64)) !== 'string';
  } catch {
    return false;
  }
}
