/** A path as the value of a binding: a text that no other path has. Pure. */

import { exactText } from '../format/exact-text.js';

/** The path itself, or `base64:` and base64 where it is no UTF-8. No absolute path begins like that. */
export function pathText(path: Uint8Array): string {
  const text = exactText(path);
  return typeof text === 'string' ? text : `base64:${text.base64}`;
}
