/** The JSON Canonicalization Scheme (RFC 8785): one byte string for each JSON document, so that digests agree. */

import { utf8Encode } from './utf8.js';

const maxNames = 512;
/** Names of our formats are short; those of others are not to fill memory. */
const longestName = 32;

/**
 * Canonical texts of objects that will be written again, as parts of other documents. What is remembered must never
 * change afterwards; an object that nobody else refers to is forgotten.
 */
export class RememberedTexts {
  readonly #texts = new WeakMap<object, string>();
  readonly #names = new Map<string, string>();

  /** Remembers the canonical text of a value, and returns the value. Throws like `jcsText`. */
  remember<Value extends object>(value: Value): Value {
    if (!this.#texts.has(value)) {
      const text = write(value, this);
      // V8 keeps a concatenation as a tree until a character of it is read; here it is joined once for all.
      text.charCodeAt(0);
      this.#texts.set(value, text);
    }
    return value;
  }

  /** The name of a member with its colon. The first that are met are remembered: those that the formats define. */
  nameOf(name: string): string {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const text = `${writeString(name)}:`;
    if (this.#names.size < maxNames && name.length <= longestName) this.#names.set(name, text);
    return text;
  }

  /** The text of this very object, if it was remembered. */
  textOf(value: object): string | undefined {
    return this.#texts.get(value);
  }
}

/**
 * Canonical text of a JSON document; fields whose value is undefined are left out, as JSON.stringify does.
 * Throws TypeError for what JSON cannot say (undefined elsewhere, NaN, infinities, lone surrogates, functions).
 */
export function jcsText(document: unknown, remembered: RememberedTexts | null = null): string {
  return write(document, remembered);
}

/** Canonical UTF-8 bytes of a JSON document. Throws like `jcsText`. */
export function jcsBytes(document: unknown, remembered: RememberedTexts | null = null): Uint8Array {
  return utf8Encode(jcsText(document, remembered));
}

function write(value: unknown, remembered: RememberedTexts | null): string {
  switch (typeof value) {
    case 'string':
      return writeString(value);
    case 'number':
      // ECMAScript's own form of a number is the canonical one (RFC 8785 section 3.2.2.3).
      if (!Number.isFinite(value)) throw noCanonicalForm();
      return String(value === 0 ? 0 : value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      return remembered?.textOf(value) ?? writeContainer(value, remembered);
    default:
      throw noCanonicalForm();
  }
}

function writeContainer(value: object, remembered: RememberedTexts | null): string {
  if (Array.isArray(value)) {
    let items = '';
    for (const item of value) items += items === '' ? write(item, remembered) : `,${write(item, remembered)}`;
    return `[${items}]`;
  }
  const fields = value as Readonly<Record<string, unknown>>;
  let text = '{';
  for (const name of sortedNames(fields)) {
    const field = fields[name];
    if (field === undefined) continue;
    if (text.length > 1) text += ',';
    text += remembered === null ? `${writeString(name)}:` : remembered.nameOf(name);
    text += write(field, remembered);
  }
  return `${text}}`;
}

/** Up to here, to put names in their places one by one takes less than to call sort(). */
const fewNames = 16;

/** By UTF-16 code units, as section 3.2.3 demands. */
function sortedNames(fields: object): string[] {
  const names = Object.keys(fields);
  if (names.length > fewNames) return names.sort();
  for (let end = 1; end < names.length; end++) {
    const name = names[end] as string;
    let place = end;
    for (; place > 0 && (names[place - 1] as string) > name; place--)
      names[place] = names[place - 1] as string;
    names[place] = name;
  }
  return names;
}

/** JSON.stringify escapes exactly what section 3.2.2.2 does, except that it accepts lone surrogates. */
function writeString(text: string): string {
  if (!text.isWellFormed()) throw noCanonicalForm();
  return JSON.stringify(text);
}

function noCanonicalForm(): TypeError {
  return new TypeError('the document has no canonical JSON form');
}
