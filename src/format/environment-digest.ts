/** One digest over the environment variables that a program is to be started with. */

import { sha3_512 } from '../hash/evidence.js';
import { concatBytes } from './bytes.js';
import { hexEncode } from './hex.js';

/**
 * SHA3-512 (hex) over the `NAME=VALUE` byte strings, sorted bytewise, each ended by a NUL byte: independent of
 * their order in memory, and ambiguous for no two environments.
 */
export function environmentDigest(variables: readonly Uint8Array[]): string {
  const sorted = [...variables].sort(compareBytes);
  return hexEncode(sha3_512(concatBytes(...sorted.flatMap((variable) => [variable, Uint8Array.of(0)]))));
}

function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const shared = Math.min(left.length, right.length);
  for (let position = 0; position < shared; position++) {
    const difference = (left[position] ?? 0) - (right[position] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
