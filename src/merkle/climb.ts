/** The way from a leaf of an RFC 6962 tree to its root, one step for each hash of its inclusion proof. */

/** More than the levels of any tree whose size is a safe integer. */
const keyStride = 64;

/**
 * A node on the way up, by level and position within the level. At the right edge of a tree that is no power of two, a
 * node without a sibling is also the node above it; here it stands as the highest of these, so that each node has one
 * place however it is reached.
 */
export class Climb {
  #level = 0;
  #position: number;
  #last: number;

  /** Starts at the leaf `index` of a tree of `size` entries. */
  constructor(index: number, size: number) {
    this.#position = index;
    this.#last = size - 1;
    this.#passLoneNodes();
  }

  get isAtRoot(): boolean {
    return this.#last === 0;
  }

  /** Whether the node is its parent's right child. */
  get isRight(): boolean {
    return this.#position % 2 === 1;
  }

  /** A number for the node's place, exact in trees of up to 2^47 entries. */
  get key(): number {
    return this.#position * keyStride + this.#level;
  }

  /** The same for the other child of its parent. */
  get siblingKey(): number {
    return (this.isRight ? this.#position - 1 : this.#position + 1) * keyStride + this.#level;
  }

  /** Goes on to the parent. */
  up(): void {
    this.#half();
    this.#passLoneNodes();
  }

  #passLoneNodes(): void {
    while (this.#position === this.#last && this.#position % 2 === 0 && this.#last !== 0) this.#half();
  }

  #half(): void {
    this.#level += 1;
    this.#position = Math.floor(this.#position / 2);
    this.#last = Math.floor(this.#last / 2);
  }
}
