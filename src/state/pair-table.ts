/**
 * Pairs of 32-bit numbers in a file, sorted by the first of them. Memory holds every 512th key, so that a question costs
 * one read of a few kilobytes.
 */

import type { FileHandle } from 'node:fs/promises';
import { LogDamageError } from '../log/damage.js';

/** Bytes of one pair. */
export const pairBytes = 8;

const blockPairs = 512;

/** A table in a file: where it begins, how many pairs it has, and the first key of each block of them. */
export interface PairTable {
  readonly offset: number;
  readonly count: number;
  readonly fences: Uint32Array;
}

/** Describes sorted pairs (key, value, key, value, ...) that lie at `offset` of a file. */
export function pairTable(pairs: Uint32Array, offset: number): PairTable {
  const count = pairs.length / 2;
  const fences = new Uint32Array(Math.ceil(count / blockPairs));
  for (let block = 0; block < fences.length; block++) fences[block] = pairs[2 * block * blockPairs] ?? 0;
  return { offset, count, fences };
}

/** The values of a key, in the order in which they lie there. Rejects with LogDamageError when they cannot be read. */
export async function findPairs(file: FileHandle, table: PairTable, key: number): Promise<number[]> {
  const { fences, count, offset } = table;
  // Equal keys may begin in the block before the first whose first key is this one.
  const first = Math.max(0, countWhere(fences, (fence) => fence < key) - 1) * blockPairs;
  const end = Math.min(countWhere(fences, (fence) => fence <= key) * blockPairs, count);
  if (end <= first) return [];
  const pairs = new Uint32Array(2 * (end - first));
  await readPairs(file, pairs, offset + first * pairBytes);
  const found: number[] = [];
  for (let at = 0; at < pairs.length; at += 2) if (pairs[at] === key) found.push(pairs[at + 1] ?? 0);
  return found;
}

async function readPairs(file: FileHandle, pairs: Uint32Array, offset: number): Promise<void> {
  let bytesRead: number;
  try {
    ({ bytesRead } = await file.read(pairs, 0, pairs.byteLength, offset));
  } catch (cause) {
    throw new LogDamageError('a file below views/ cannot be read; restart the daemon', { cause });
  }
  if (bytesRead < pairs.byteLength)
    throw new LogDamageError('a file below views/ was cut short; restart the daemon to make it again');
}

/** How many of the ascending numbers satisfy a condition that holds for the first ones only. */
function countWhere(ascending: Uint32Array, holds: (value: number) => boolean): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(ascending[middle] ?? 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}
