/**
 * Reads JSON (RFC 8259) from strangers. JSON.parse alone keeps the last of two equal keys and lets through lone
 * surrogates, NUL and numbers beyond a double, any of which lets two readers see two different documents.
 */

import { utf8Decode } from './utf8.js';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** Why a document was refused; each has a sentence of its own. */
export type JsonFault =
  | 'not-utf8'
  | 'nul'
  | 'syntax'
  | 'too-deep'
  | 'duplicate-key'
  | 'lone-surrogate'
  | 'number-range';

const sentences: Readonly<Record<JsonFault, string>> = {
  'not-utf8': 'the bytes are not valid UTF-8',
  nul: 'the text holds a NUL character',
  syntax: 'the text is not valid JSON',
  'too-deep': 'the JSON is nested too deeply',
  'duplicate-key': 'an object repeats a key',
  'lone-surrogate': 'a string holds a lone surrogate',
  'number-range': 'a number is too large to be read exactly',
};

/** Thrown by every reader of this module; `fault` says which rule the document broke. */
export class JsonFaultError extends Error {
  readonly fault: JsonFault;
  constructor(fault: JsonFault, options?: ErrorOptions) {
    super(sentences[fault], options);
    this.name = 'JsonFaultError';
    this.fault = fault;
  }
}

/** Deeper nesting than any document of ours needs; it bounds the recursion below. */
export const maxDepth = 32;

/** Reads one JSON document from UTF-8 bytes. Throws JsonFaultError. */
export function parseJsonBytes(bytes: Uint8Array): JsonValue {
  let text: string;
  try {
    text = utf8Decode(bytes);
  } catch (cause) {
    throw new JsonFaultError('not-utf8', { cause });
  }
  return parseJson(text);
}

/** Reads one JSON document from text. Throws JsonFaultError. */
export function parseJson(text: string): JsonValue {
  if (text.includes('\0')) throw new JsonFaultError('nul');
  const { colons, hasLongNumber } = survey(text);
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw new JsonFaultError('syntax', { cause });
  }
  // Without an escape, a string holds what the text holds, and nothing that is ill-formed or NUL.
  const isPlain = !hasLongNumber && !text.includes('\\') && text.isWellFormed();
  // A colon outside a string stands behind exactly one key, so a repeated key is a colon without its key.
  if ((isPlain ? countKeys(value) : inspect(value)) !== colons) throw new JsonFaultError('duplicate-key');
  return value;
}

interface Survey {
  /** Outside strings. */
  readonly colons: number;
  /** Whether any number is spelled in a way that a double might not hold: with many digits, or an exponent. */
  readonly hasLongNumber: boolean;
}

/** So many digits and a dot are exact in a double. */
const maxPlainNumberChars = 15;

/** Looks over everything outside strings, and refuses deep nesting before JSON.parse and what follows it recurse. */
function survey(text: string): Survey {
  let colons = 0;
  let depth = 0;
  let numberChars = 0;
  let hasLongNumber = false;
  for (let position = 0; position < text.length; position++) {
    const code = text.charCodeAt(position);
    // Digits, and the dot, slash and minus sign before them; the slash never stands in JSON that is right.
    if (code >= 0x2d && code <= 0x39) {
      numberChars += 1;
      if (numberChars > maxPlainNumberChars) hasLongNumber = true;
      continue;
    }
    // An `e` behind a digit begins an exponent; in `true` and `false` it stands behind a letter.
    if (numberChars > 0 && (code | 0x20) === 0x65) hasLongNumber = true;
    numberChars = 0;
    switch (code) {
      case 0x22:
        position = endOfString(text, position);
        break;
      case 0x3a:
        colons++;
        break;
      case 0x5b:
      case 0x7b:
        if (++depth > maxDepth) throw new JsonFaultError('too-deep');
        break;
      case 0x5d:
      case 0x7d:
        depth--;
        break;
    }
  }
  return { colons, hasLongNumber };
}

/** How many keys the objects of a document hold. */
function countKeys(value: JsonValue): number {
  if (typeof value !== 'object' || value === null) return 0;
  const items: readonly JsonValue[] = Array.isArray(value) ? value : Object.values(value);
  let keys = Array.isArray(value) ? 0 : items.length;
  for (const item of items) {
    if (typeof item === 'object') keys += countKeys(item);
  }
  return keys;
}

/** Position of the quote that closes the string opened at `open`; the text's end when it is never closed. */
function endOfString(text: string, open: number): number {
  let close = text.indexOf('"', open + 1);
  while (close !== -1) {
    let backslashes = 0;
    while (text.charCodeAt(close - 1 - backslashes) === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return close;
    close = text.indexOf('"', close + 1);
  }
  return text.length;
}

/** Checks every string and number below `value` and returns how many keys its objects hold. */
function inspect(value: JsonValue): number {
  switch (typeof value) {
    case 'string':
      inspectString(value);
      return 0;
    case 'number':
      if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
        throw new JsonFaultError('number-range');
      }
      return 0;
    case 'boolean':
      return 0;
    case 'object': {
      if (value === null) return 0;
      if (Array.isArray(value))
        return value.reduce((keys: number, item: JsonValue) => keys + inspect(item), 0);
      let keys = 0;
      for (const [key, item] of Object.entries(value)) {
        inspectString(key);
        keys += 1 + inspect(item);
      }
      return keys;
    }
  }
}

function inspectString(text: string): void {
  if (!text.isWellFormed()) throw new JsonFaultError('lone-surrogate');
  if (text.includes('\0')) throw new JsonFaultError('nul');
}
