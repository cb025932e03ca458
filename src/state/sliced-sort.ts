/** Sorts many numbers without holding up whoever else runs on this thread: each slice takes a fraction of a millisecond. */

import { setImmediate as nextTurn } from 'node:timers/promises';

const sliceLength = 4096;
/** A merge step is much cheaper than a sort step. */
const mergedBetweenTurns = 65_536;

/** The numbers in ascending order, in the given array or in another of the same length. */
export async function sortInSlices(values: Float64Array): Promise<Float64Array> {
  for (let start = 0; start < values.length; start += sliceLength) {
    values.subarray(start, start + sliceLength).sort();
    await nextTurn();
  }
  let sorted: Float64Array = values;
  let spare: Float64Array = new Float64Array(values.length);
  for (let width = sliceLength; width < values.length; width *= 2) {
    await mergePairs(sorted, spare, width);
    [sorted, spare] = [spare, sorted];
  }
  return sorted;
}

/** Merges each two neighbouring runs of `width` numbers into one. */
async function mergePairs(from: Float64Array, to: Float64Array, width: number): Promise<void> {
  let credit = mergedBetweenTurns;
  for (let start = 0; start < from.length; start += 2 * width) {
    const middle = Math.min(start + width, from.length);
    const end = Math.min(start + 2 * width, from.length);
    let left = start;
    let right = middle;
    for (let at = start; at < end; at++) {
      const isLeft = right >= end || (left < middle && (from[left] ?? 0) <= (from[right] ?? 0));
      to[at] = from[isLeft ? left++ : right++] ?? 0;
      if (--credit > 0) continue;
      credit = mergedBetweenTurns;
      await nextTurn();
    }
  }
}
