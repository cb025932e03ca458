/** Strict reading of JSON in the plainest way: every rule looked up for every value. The reader must agree with it. */

import { type JsonFault, maxDepth } from '../../src/format/strict-json.js';

/** What is wrong with a text, or null. */
export function faultByReference(text: string): JsonFault | null {
  if (text.includes('\0')) return 'nul';
  // A string, or one character outside strings; a string that never ends swallows the rest.
  const pieces = text.match(/"(?:[^"\\]|\\[\s\S])*(?:"|\\?$)|[^"]/g) ?? [];
  let depth = 0;
  let colons = 0;
  for (const piece of pieces) {
    if (piece === ':') colons += 1;
    if (piece === '[' || piece === '{') depth += 1;
    if (piece === ']' || piece === '}') depth -= 1;
    if (depth > maxDepth) return 'too-deep';
  }
  let keys = 0;
  let fault: JsonFault | null = null;
  const look = (value: unknown): void => {
    if (typeof value === 'string') {
      if (!value.isWellFormed()) fault ??= 'lone-surrogate';
      if (value.includes('\0')) fault ??= 'nul';
    }
    if (typeof value === 'number') {
      const isExact = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
      if (!isExact) fault ??= 'number-range';
    }
    if (typeof value !== 'object' || value === null) return;
    for (const [key, item] of Object.entries(value)) {
      if (!Array.isArray(value)) {
        keys += 1;
        look(key);
      }
      look(item);
    }
  };
  try {
    look(JSON.parse(text));
  } catch {
    return 'syntax';
  }
  return fault ?? (keys === colons ? null : 'duplicate-key');
}
