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

/** The proven part of one tree. */
export class ProvenTree {
  readonly #size: number;
  readonly #root: Hash;
  readonly #nodes = new Map<number, Hash>();

  /** `size` and `root` as a checkpoint gives them; whether anybody signed them is the caller's business. */
  constructor(size: number, root: Hash) {
    this.#size = size;
    this.#root = Uint8Array.from(root);
  }

  /** How many nodes are remembered. */
  get nodeCount(): number {
    return this.#nodes.size;
  }

  /**
   * Whether the proof leads from this leaf hash to the root. Throws ProofError as `rootOfInclusion` does.
   * The hashes of a proof that holds are kept, and must not be changed afterwards.
   */
  includes(leaf: Hash, index: number, path: readonly Hash[]): boolean {
    requireProofLength(index, this.#size, path.length);
    const climb = new Climb(index, this.#size);
    const walked: (readonly [number, Hash])[] = [];
    let hash = leaf;
    for (let step = 0; step < path.length; step++) {
      const remembered = this.#nodes.get(climb.key);
      if (remembered !== undefined) {
        return equalBytes(remembered, hash) && this.#holds(path, step, climb) && this.#remember(walked);
      }
      const sibling = path[step] as Hash;
      walked.push([climb.key, hash], [climb.siblingKey, sibling]);
      hash = climb.isRight ? nodeHash(sibling, hash) : nodeHash(hash, sibling);
      climb.up();
    }
    return equalBytes(hash, this.#root) && this.#remember(walked);
  }

  /** Whether each hash of the proof from `start` on is the one remembered at its place. */
  #holds(path: readonly Hash[], start: number, climb: Climb): boolean {
    for (let step = start; step < path.length; step++) {
      const remembered = this.#nodes.get(climb.siblingKey);
      if (remembered === undefined || !equalBytes(remembered, path[step] as Hash)) return false;
      climb.up();
    }
    return true;
  }

  #remember(walked: readonly (readonly [number, Hash])[]): true {
    if (this.#size <= maxRememberedSize) for (const [key, hash] of walked) this.#nodes.set(key, hash);
    return true;
  }
}
