/**
 * Where each entry's frame begins in its journal segment, without eight bytes of memory an entry: exactly for the newest
 * entries, and for older ones at every sixteenth, from where a reader steps from frame to frame. A wrong position can
 * make an entry unreadable but never another one: what is read is compared with the tree.
 */

/** Entries of a span: the unit in which state that follows the log is kept. It is one complete subtree of the log. */
export const spanEntries = 65_536;

/** Every entry whose index is a multiple of this has a position that is kept for good. */
export const positionStride = 16;

const anchorsPerSpan = spanEntries / positionStride;
/** Spans at the end of the log whose positions are kept exactly: 256 KiB each. */
const exactSpans = 3;

/** A place to begin reading: the frame of the entry at `index` begins at `offset` of the segment that holds it. */
export interface Anchor {
  readonly index: number;
  readonly offset: number;
}

export class JournalPositions {
  /** Of each span, the offsets of its anchors. */
  readonly #anchors: Uint32Array[];
  /** Of the newest spans, the offsets of all entries. */
  readonly #exact = new Map<number, Uint32Array>();
  #size: number;

  /** `anchors`: of the spans that are known already, from the first one on. */
  constructor(anchors: readonly Uint32Array[] = []) {
    this.#anchors = [...anchors];
    this.#size = anchors.length * spanEntries;
  }

  /** How many entries have a position. */
  get size(): number {
    return this.#size;
  }

  /** Notes where the next entry's frame begins. */
  add(offset: number): void {
    const span = Math.floor(this.#size / spanEntries);
    const position = this.#size % spanEntries;
    if (position === 0) this.#beginSpan(span);
    const exact = this.#exact.get(span);
    if (exact !== undefined) exact[position] = offset;
    const anchors = this.#anchors[span];
    if (anchors !== undefined && position % positionStride === 0) anchors[position / positionStride] = offset;
    this.#size++;
  }

  /** The nearest known place at or before an entry that has a position. */
  before(index: number): Anchor {
    const span = Math.floor(index / spanEntries);
    const position = index % spanEntries;
    const exact = this.#exact.get(span)?.[position];
    if (exact !== undefined) return { index, offset: exact };
    const anchor = Math.floor(position / positionStride);
    return {
      index: span * spanEntries + anchor * positionStride,
      offset: this.#anchors[span]?.[anchor] ?? 0,
    };
  }

  /** The nearest known place behind an entry, or null at the end. */
  after(index: number): Anchor | null {
    const next = this.#exact.has(Math.floor((index + 1) / spanEntries))
      ? index + 1
      : (Math.floor(index / positionStride) + 1) * positionStride;
    return next < this.#size ? this.before(next) : null;
  }

  /** The anchors of a span that is complete. */
  anchorsOf(span: number): Uint32Array {
    const anchors = this.#anchors[span];
    if (anchors === undefined || (span + 1) * spanEntries > this.#size)
      throw new RangeError(`span ${span} of the journal is not complete`);
    return anchors;
  }

  #beginSpan(span: number): void {
    this.#anchors.push(new Uint32Array(anchorsPerSpan));
    this.#exact.set(span, new Uint32Array(spanEntries));
    this.#exact.delete(span - exactSpans);
  }
}
