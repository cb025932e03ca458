/**
 * From artifact id to log index, in memory: an open-addressing table of eight bytes a slot instead of a 137-character
 * key. It stores only a part of the id, so its answers are candidates that the caller confirms by reading the log.
 */

import type { ArtifactId } from '../format/artifact-id.js';

const prefix = 'sha3-512:'.length;
const loadLimit = 0.7;

export class IdIndex {
  /** Tag and index plus one of each slot; a zero index marks a free slot. */
  #tags = new Uint32Array(1024);
  #indexes = new Uint32Array(1024);
  #count = 0;

  /** Notes that the entry at `index` has this id. Throws RangeError beyond 2^32 - 2 entries. */
  add(id: ArtifactId, index: number): void {
    if (index >= 0xffff_ffff) throw new RangeError('the id index holds no more than 2^32 - 2 entries');
    if (this.#count + 1 > this.#tags.length * loadLimit) this.#grow();
    this.#insert(tagOf(id), index + 1);
  }

  /** Indexes of the entries that may have this id, oldest first; nearly always none or one. */
  candidates(id: ArtifactId): number[] {
    const tag = tagOf(id);
    const found: number[] = [];
    const mask = this.#tags.length - 1;
    for (let slot = tag & mask; this.#indexes[slot] !== 0; slot = (slot + 1) & mask) {
      if (this.#tags[slot] === tag) found.push((this.#indexes[slot] ?? 0) - 1);
    }
    return found;
  }

  #insert(tag: number, indexPlusOne: number): void {
    const mask = this.#tags.length - 1;
    let slot = tag & mask;
    while (this.#indexes[slot] !== 0) slot = (slot + 1) & mask;
    this.#tags[slot] = tag;
    this.#indexes[slot] = indexPlusOne;
    this.#count++;
  }

  /** Slots are found again from the tag alone, so that growing needs no ids. */
  #grow(): void {
    const [tags, indexes] = [this.#tags, this.#indexes];
    this.#tags = new Uint32Array(tags.length * 2);
    this.#indexes = new Uint32Array(tags.length * 2);
    this.#count = 0;
    for (const [slot, tag] of tags.entries()) {
      const indexPlusOne = indexes[slot] ?? 0;
      if (indexPlusOne !== 0) this.#insert(tag, indexPlusOne);
    }
  }
}

/** Ids are digests, so any part of one is evenly spread. */
function tagOf(id: ArtifactId): number {
  return Number.parseInt(id.slice(prefix, prefix + 8), 16);
}
