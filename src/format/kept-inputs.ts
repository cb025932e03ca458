/**
 * The policy inputs that are kept beside a log entry: the documents of its decisions in their order, one a line. Each is canonical
 * JSON, so no line break is in one.
 */

import { concatBytes } from './bytes.js';

const newline = new Uint8Array([0x0a]);

/** As they lie beside an entry. Of one document nothing is copied. */
export function joinInputs(inputs: readonly Uint8Array[]): Uint8Array {
  const [only, ...others] = inputs;
  if (only !== undefined && others.length === 0) return only;
  return concatBytes(...inputs.flatMap((input, at) => (at === 0 ? [input] : [newline, input])));
}

/** The documents that lie beside an entry; none where nothing was kept. They are views of the bytes. */
export function splitInputs(kept: Uint8Array): readonly Uint8Array[] {
  if (kept.length === 0) return [];
  const inputs: Uint8Array[] = [];
  for (let start = 0; start <= kept.length; ) {
    const end = kept.indexOf(0x0a, start);
    inputs.push(kept.subarray(start, end === -1 ? kept.length : end));
    start = end === -1 ? kept.length + 1 : end + 1;
  }
  return inputs;
}
