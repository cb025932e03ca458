/** The leaves that are not yet in a full published bundle, encoded as tlog-tiles publishes them. */

import { tileWidth } from '../merkle/tile.js';

/** Leaves are about 230 bytes; a bundle of longer ones grows. */
const firstBytes = 60_000;

/** Big-endian u16 length and bytes of each entry (tlog-tiles, "Log entries"). */
interface Bundle {
  bytes: Uint8Array<ArrayBuffer>;
  /** Where each leaf ends. */
  readonly ends: Uint32Array;
  width: number;
}

export class LeafBundles {
  /** By index of the bundle, ascending. */
  readonly #bundles = new Map<number, Bundle>();
  #newest: Bundle | null = null;
  #next: number;

  /** `firstIndex`: of the first leaf that is added; it begins a bundle. */
  constructor(firstIndex: number) {
    if (firstIndex % tileWidth !== 0) throw new RangeError(`no bundle begins at ${firstIndex}`);
    this.#next = firstIndex;
  }

  /** Adds the leaf of the next entry. */
  add(leaf: Uint8Array): void {
    const bundle = this.#bundleOfNext();
    const start = bundle.width === 0 ? 0 : (bundle.ends[bundle.width - 1] ?? 0);
    const end = start + 2 + leaf.length;
    if (end > bundle.bytes.length) bundle.bytes = grown(bundle.bytes, end);
    bundle.bytes[start] = leaf.length >> 8;
    bundle.bytes[start + 1] = leaf.length & 0xff;
    bundle.bytes.set(leaf, start + 2);
    bundle.ends[bundle.width++] = end;
    this.#next++;
  }

  /** The first `width` leaves of a bundle, in memory of their own. */
  encoded(index: number, width: number): Uint8Array<ArrayBuffer> {
    const bundle = this.#bundles.get(index);
    if (bundle === undefined || bundle.width < width)
      throw new Error(`bundle ${index} was let go before it was published`);
    return bundle.bytes.slice(0, bundle.ends[width - 1]);
  }

  /** Lets go of the bundles that a published tree of `size` entries has whole. */
  release(size: number): void {
    const published = Math.floor(size / tileWidth);
    for (const index of this.#bundles.keys()) {
      if (index >= published) break;
      this.#bundles.delete(index);
    }
  }

  #bundleOfNext(): Bundle {
    if (this.#newest !== null && this.#next % tileWidth !== 0) return this.#newest;
    this.#newest = { bytes: new Uint8Array(firstBytes), ends: new Uint32Array(tileWidth), width: 0 };
    this.#bundles.set(this.#next / tileWidth, this.#newest);
    return this.#newest;
  }
}

function grown(bytes: Uint8Array, neededBytes: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(2 * neededBytes);
  larger.set(bytes);
  return larger;
}
