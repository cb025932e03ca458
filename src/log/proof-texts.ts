/** Texts of tlog-proofs under one seal: what the proofs of a batch have in common is computed and written once. */

import { proofHashLine, proofHead } from '../format/tlog-proof.js';
import { rangeHash, type SubtreeSource } from '../merkle/tree.js';

export class ProofTexts {
  readonly #size: number;
  readonly #tail: string;
  readonly #subtree: SubtreeSource;
  /** By level: the lines from a node's sibling up to the root, by the node's position. */
  readonly #paths: Map<number, string>[] = [];

  /** For a tree of `size` entries whose signed note is `note`. */
  constructor(size: number, note: string, subtree: SubtreeSource) {
    this.#size = size;
    this.#tail = `\n${note}`;
    this.#subtree = subtree;
  }

  /** The text of the proof of one entry (C2SP tlog-proof). Throws RangeError for an entry that the seal does not cover. */
  textOf(index: number): string {
    if (index < 0 || index >= this.#size)
      throw new RangeError(`the tree of ${this.#size} entries has no entry ${index}`);
    return proofHead(index) + this.#path(0, index, this.#size - 1) + this.#tail;
  }

  /** PATH of RFC 6962 section 2.1.1 from the node at `position` of a level; `last` is the level's last position. */
  #path(level: number, position: number, last: number): string {
    if (last === 0) return '';
    this.#paths[level] ??= new Map();
    const known = this.#paths[level]?.get(position);
    if (known !== undefined) return known;
    const above = this.#path(level + 1, Math.floor(position / 2), Math.floor(last / 2));
    const path = this.#siblingLine(level, position, last) + above;
    this.#paths[level]?.set(position, path);
    return path;
  }

  #siblingLine(level: number, position: number, last: number): string {
    const sibling = position % 2 === 1 ? position - 1 : position + 1;
    // The last node of a level may have none, and is its own parent.
    if (sibling > last) return '';
    const width = 2 ** level;
    const end = (sibling + 1) * width;
    const isComplete = end <= this.#size;
    return proofHashLine(
      isComplete ? this.#subtree(level, sibling) : rangeHash(sibling * width, this.#size, this.#subtree),
    );
  }
}
