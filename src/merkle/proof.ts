/** RFC 6962 inclusion and consistency proofs: made from complete subtrees, checked from hashes alone. */

import { equalBytes } from '../format/bytes.js';
import { Climb } from './climb.js';
import { type Hash, nodeHash, rangeHash, type SubtreeSource, splitPoint } from './tree.js';

/** Why a proof does not hold. */
export class ProofError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ProofError';
  }
}

/** PATH(index, D[size]) of RFC 6962 section 2.1.1: from the leaf's sibling up to the root's child. */
export function inclusionProof(index: number, size: number, subtree: SubtreeSource): Hash[] {
  if (index < 0 || index >= size) throw new RangeError(`the tree of ${size} entries has no entry ${index}`);
  const path: Hash[] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const half = leftHalf(end - start);
    const middle = start + half;
    if (index < middle) {
      path.push(rangeHash(middle, end, subtree));
      end = middle;
    } else {
      path.push(rangeHash(start, middle, subtree));
      start = middle;
    }
  }
  return path.reverse();
}

/**
 * The root that an inclusion proof leads to (RFC 9162 section 2.1.3.2); the caller compares it with a signed one.
 * Throws ProofError for a proof of the wrong length, or an index outside the tree.
 */
export function rootOfInclusion(leaf: Hash, index: number, size: number, path: readonly Hash[]): Hash {
  requireProofLength(index, size, path.length);
  const climb = new Climb(index, size);
  let hash = leaf;
  for (const sibling of path) {
    hash = climb.isRight ? nodeHash(sibling, hash) : nodeHash(hash, sibling);
    climb.up();
  }
  return hash;
}

/** Throws ProofError unless the inclusion proof of this entry has exactly `length` hashes. */
export function requireProofLength(index: number, size: number, length: number): void {
  if (index < 0 || index >= size) throw new ProofError('the index lies outside the tree');
  const climb = new Climb(index, size);
  let steps = 0;
  for (; !climb.isAtRoot; steps++) climb.up();
  if (length > steps) throw new ProofError('the inclusion proof is too long');
  if (length < steps) throw new ProofError('the inclusion proof is too short');
}

/** PROOF(first, D[second]) of RFC 6962 section 2.1.2; empty when either tree proves nothing about the other. */
export function consistencyProof(first: number, second: number, subtree: SubtreeSource): Hash[] {
  if (first < 0 || first > second)
    throw new RangeError(`no tree of ${first} entries precedes one of ${second}`);
  if (first === 0 || first === second) return [];
  return subProof(first, 0, second, true, subtree);
}

/**
 * Checks that the tree of `second` entries extends the one of `first` (RFC 9162 section 2.1.4.2).
 * Throws ProofError when it does not, or when the proof has the wrong length.
 */
export function verifyConsistency(
  first: { readonly size: number; readonly root: Hash },
  second: { readonly size: number; readonly root: Hash },
  proof: readonly Hash[],
): void {
  if (first.size > second.size) throw new ProofError('the later tree is smaller than the earlier one');
  if (first.size === second.size || first.size === 0) {
    if (proof.length > 0) throw new ProofError('the consistency proof should be empty');
    if (first.size === second.size && !equalBytes(first.root, second.root)) {
      throw new ProofError('two different roots at the same size: the log has forked');
    }
    return;
  }
  const complete = splitPoint(first.size) === first.size;
  const [seed, ...rest] = complete ? [first.root, ...proof] : proof;
  if (seed === undefined) throw new ProofError('the consistency proof is too short');
  let position = first.size - 1;
  let last = second.size - 1;
  while (position % 2 === 1) {
    position = Math.floor(position / 2);
    last = Math.floor(last / 2);
  }
  let earlier = seed;
  let later = seed;
  for (const hash of rest) {
    if (last === 0) throw new ProofError('the consistency proof is too long');
    if (position % 2 === 1 || position === last) {
      earlier = nodeHash(hash, earlier);
      later = nodeHash(hash, later);
      while (position % 2 === 0 && position !== 0) {
        position /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      later = nodeHash(later, hash);
    }
    position = Math.floor(position / 2);
    last = Math.floor(last / 2);
  }
  if (last !== 0) throw new ProofError('the consistency proof is too short');
  if (!equalBytes(earlier, first.root))
    throw new ProofError('the consistency proof does not lead to the earlier root');
  if (!equalBytes(later, second.root))
    throw new ProofError('the consistency proof does not lead to the later root');
}

function subProof(first: number, start: number, end: number, known: boolean, subtree: SubtreeSource): Hash[] {
  const size = end - start;
  if (first === size) return known ? [] : [rangeHash(start, end, subtree)];
  const half = leftHalf(size);
  if (first <= half) {
    return [...subProof(first, start, start + half, known, subtree), rangeHash(start + half, end, subtree)];
  }
  return [
    ...subProof(first - half, start + half, end, false, subtree),
    rangeHash(start, start + half, subtree),
  ];
}

/** The largest power of two below `size`, for `size` > 1. */
function leftHalf(size: number): number {
  const split = splitPoint(size);
  return split === size ? size / 2 : split;
}
