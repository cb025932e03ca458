/**
 * One tree head and the nodes that earlier inclusion proofs under it have proven, so that many proofs hash each node
 * once.
 *
 * Why that weakens nothing. A node is remembered only after a walk from a leaf has reached the root of this very head,
 * and then together with every node and every sibling on that walk. So
 *
 * 1. a remembered hash is the only one that can stand at its place: another one that leads to the same root would be a
 *    collision of SHA-256;
 * 2. above a remembered node, all its ancestors and their siblings are remembered too.
 *
 * A later proof is walked up by hashing until it meets a remembered place. Its hash there must be the remembered one, by
 * (1), and so must each hash that the proof still holds, which (2) lets us look up. If all are equal, the rest of the
 * walk would repeat, hash for hash, one that reached the root. If one differs, the walk would end at another root, by
 * (1). So the answer is `rootOfInclusion`'s, for right and wrong proofs alike and in any order.
 */

import { equalBytes } from '../format/bytes.js';
import { Climb } from './climb.js';
import { requireProofLength } from './proof.js';
import { type Hash, nodeHash } from './tree.js';

/** In larger trees the places of nodes are no exact numbers, so nothing is remembered there. */
const maxRememberedSize = 2 ** 47;
const hashBytes = 32;

/** The proven part of one tree. */
export class ProvenTree {
  readonly #size: number;
  readonly #root: Hash;
  /** Which hash stands at a place, by its number in `#hashes`. */
  readonly #places = new Map<number, number>();
  /** All hashes in one piece: an array of its own for each would cost many times its 32 bytes. */
  #hashes = new Uint8Array(64 * hashBytes);
  /** The siblings that were found right last, from the leaf up, and the places where they stand. */
  #lastPath: readonly Hash[] = [];
  #lastPlaces: readonly number[] = [];

  /** `size` and `root` as a checkpoint gives them; whether anybody signed them is the caller's business. */
  constructor(size: number, root: Hash) {
    this.#size = size;
    this.#root = Uint8Array.from(root);
  }

  /** How many nodes are remembered. */
  get nodeCount(): number {
    return this.#places.size;
  }

  /**
   * Whether the proof leads from this leaf hash to the root. Throws ProofError as `rootOfInclusion` does.
   * The hashes of a proof that holds are kept, and must not be changed afterwards.
   */
  includes(leaf: Hash, index: number, path: readonly Hash[]): boolean {
    requireProofLength(index, this.#size, path.length);
    const climb = new Climb(index, this.#size);
    const walked: Hash[] = [];
    let hash = leaf;
    for (let step = 0; step < path.length; step++) {
      const remembered = this.#places.get(climb.key);
      if (remembered !== undefined) {
        if (!this.#isEqual(remembered, hash) || !this.#agrees(path, step, climb)) return false;
        this.#remember(index, walked, path);
        return true;
      }
      const sibling = path[step] as Hash;
      walked.push(hash);
      hash = climb.isRight ? nodeHash(sibling, hash) : nodeHash(hash, sibling);
      climb.up();
    }
    if (!equalBytes(hash, this.#root)) return false;
    this.#remember(index, walked, path);
    return true;
  }

  /** Whether each hash of the proof from `start` on is the one remembered at its place. */
  #agrees(path: readonly Hash[], start: number, climb: Climb): boolean {
    // Places at the same distance from the root are compared with each other.
    const shift = this.#lastPath.length - path.length;
    for (let step = start; step < path.length; step++) {
      const place = climb.siblingKey;
      const hash = path[step] as Hash;
      const isLast = this.#lastPath[step + shift] === hash && this.#lastPlaces[step + shift] === place;
      if (!isLast && !this.#isRemembered(place, hash)) return false;
      climb.up();
    }
    return true;
  }

  #isRemembered(place: number, hash: Hash): boolean {
    const start = this.#places.get(place);
    return start !== undefined && this.#isEqual(start, hash);
  }

  /** Remembers the nodes that a walk from this entry on has hashed, and their siblings. */
  #remember(index: number, walked: readonly Hash[], path: readonly Hash[]): void {
    if (walked.length === 0 || this.#size > maxRememberedSize) return;
    const places: number[] = [];
    const climb = new Climb(index, this.#size);
    for (let step = 0; step < path.length; step++) {
      places.push(climb.siblingKey);
      const hash = walked[step];
      if (hash !== undefined) {
        this.#set(climb.key, hash);
        this.#set(climb.siblingKey, path[step] as Hash);
      }
      climb.up();
    }
    this.#lastPath = path;
    this.#lastPlaces = places;
  }

  #set(place: number, hash: Hash): void {
    if (this.#places.has(place)) return;
    const start = this.#places.size * hashBytes;
    if (start === this.#hashes.length) {
      const larger = new Uint8Array(2 * start);
      larger.set(this.#hashes);
      this.#hashes = larger;
    }
    this.#hashes.set(hash, start);
    this.#places.set(place, start);
  }

  #isEqual(start: number, hash: Hash): boolean {
    const hashes = this.#hashes;
    for (let offset = 0; offset < hashBytes; offset++) {
      if (hashes[start + offset] !== hash[offset]) return false;
    }
    return hash.length === hashBytes;
  }
}
