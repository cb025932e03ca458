/** The JSON Canonicalization Scheme (RFC 8785): one byte string for each JSON document, so that digests agree. */

import canonicalize from 'canonicalize';
import { utf8Encode } from './utf8.js';

/** Canonical text of a JSON document. Throws TypeError for what JSON cannot say (undefined, NaN, lone surrogates). */
export function jcsText(document: unknown): string {
  const text = canonicalize(document);
  if (text === undefined || !text.isWellFormed())
    throw new TypeError('the document has no canonical JSON form');
  return text;
}

/** Canonical UTF-8 bytes of a JSON document. Throws like `jcsText`. */
export function jcsBytes(document: unknown): Uint8Array {
  return utf8Encode(jcsText(document));
}
