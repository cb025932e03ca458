/** RFC 6962 Merkle trees over SHA-256: hashing, and roots of a tree whose complete subtrees are at hand. */

import { sha256, sha256OfText } from '../hash/sha256.js';

/** 32 bytes. */
export type Hash = Uint8Array;

/**
 * Hash of the complete subtree over the entries `[index * 2^level, (index + 1) * 2^level)`; level 0 is a leaf hash.
 * Asked only for subtrees that the tree in question covers whole.
 */
export type SubtreeSource = (level: number, index: number) => Hash;

const hashBytes = 32;

/** 0x01 || left || right: written anew for each node, never read again. */
const nodeInput = Uint8Array.of(1, ...new Uint8Array(2 * hashBytes));

/** 0x00 || entry, for entries that fit: written anew for each leaf, never read again. */
const leafInput = new Uint8Array(512);

/** SHA-256(0x00 || entry) (RFC 6962 section 2.1). */
export function leafHash(entry: Uint8Array): Hash {
  const sizeBytes = 1 + entry.length;
  const input = sizeBytes <= leafInput.length ? leafInput.subarray(0, sizeBytes) : new Uint8Array(sizeBytes);
  input.set(entry, 1);
  return sha256(input);
}

/** The leaf hash of an entry that is given as text, as ours are. */
export function leafHashOfText(entry: string): Hash {
  return sha256OfText(`\0${entry}`);
}

/** SHA-256(0x01 || left || right) (RFC 6962 section 2.1). Throws RangeError for what is no hash. */
export function nodeHash(left: Hash, right: Hash): Hash {
  if (left.length !== hashBytes || right.length !== hashBytes) throw new RangeError('a hash has 32 bytes');
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + hashBytes);
  return sha256(nodeInput);
}

/** Root of the tree over the first `size` entries; SHA-256 of nothing for the empty tree. */
export function treeRoot(size: number, subtree: SubtreeSource): Hash {
  return size === 0 ? sha256(new Uint8Array()) : rangeHash(0, size, subtree);
}

/** MTH(D[start:end]) for a non-empty range that the recursion of RFC 6962 section 2.1 reaches. */
export function rangeHash(start: number, end: number, subtree: SubtreeSource): Hash {
  const size = end - start;
  const split = splitPoint(size);
  if (split === size) return subtree(Math.log2(size), start / size);
  return nodeHash(rangeHash(start, start + split, subtree), rangeHash(start + split, end, subtree));
}

/** `size` itself when it is a power of two (a complete subtree), else the largest power of two below it. */
export function splitPoint(size: number): number {
  let power = 1;
  while (power * 2 <= size) power *= 2;
  return power;
}
