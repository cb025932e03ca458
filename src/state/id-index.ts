/**
 * From artifact id to log index. It keeps only a part of each id, so its answers are candidates that the caller confirms
 * by reading the log. The newest entries are in hash tables in memory, one for each range of 524,288 entries; a range
 * that is complete becomes a sorted run on disk, made off the request path. No table ever grows.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ArtifactId } from '../format/artifact-id.js';
import { sortInSlices } from './sliced-sort.js';

/** Entries of a range: those of eight spans. */
export const rangeEntries = 524_288;

/** The runs of the complete ranges, from the first on. */
export interface IdRuns {
  readonly count: number;
  /** Log indexes of the entries with this tag, oldest first. */
  find(tag: number): Promise<number[]>;
}

const prefix = 'sha3-512:'.length;
const slots = 2 * rangeEntries;
const slotMask = slots - 1;
const stepsBetweenTurns = 32_768;

/** Ids are digests, so any part of one is evenly spread. */
export function tagOf(id: ArtifactId): number {
  return Number.parseInt(id.slice(prefix, prefix + 8), 16);
}

/** Open addressing; a zero marks a free slot, so positions are kept plus one. */
interface RangeTable {
  readonly tags: Uint32Array;
  readonly positions: Uint32Array;
  count: number;
}

export class IdIndex {
  readonly #tables = new Map<number, RangeTable>();
  readonly #runs: IdRuns | null;

  constructor(runs: IdRuns | null = null) {
    this.#runs = runs;
  }

  /** Notes that the entry at `index` has an id with this tag. Throws RangeError beyond 2^32 - 1 entries. */
  add(tag: number, index: number): void {
    if (index >= 0xffff_ffff) throw new RangeError('the id index holds no more than 2^32 - 1 entries');
    const table = this.#tableOf(Math.floor(index / rangeEntries));
    let slot = tag & slotMask;
    while (table.positions[slot] !== 0) slot = (slot + 1) & slotMask;
    table.tags[slot] = tag;
    table.positions[slot] = (index % rangeEntries) + 1;
    table.count++;
  }

  /** Indexes of the newest entries that may have this id, oldest first; nearly always none or one. */
  recent(id: ArtifactId): number[] {
    const tag = tagOf(id);
    const found: number[] = [];
    for (const [range, { tags, positions }] of this.#tables) {
      for (let slot = tag & slotMask; positions[slot] !== 0; slot = (slot + 1) & slotMask) {
        if (tags[slot] === tag) found.push(range * rangeEntries + (positions[slot] ?? 0) - 1);
      }
    }
    return found.sort((left, right) => left - right);
  }

  /** Indexes of the entries before those that may have this id, oldest first. Rejects when the runs cannot be read. */
  async older(id: ArtifactId): Promise<number[]> {
    return this.#runs === null || this.#runs.count === 0 ? [] : this.#runs.find(tagOf(id));
  }

  /** The tags and positions of a complete range, sorted: tag, position, tag, position, ... */
  async sortedRange(range: number): Promise<Uint32Array> {
    const table = this.#tables.get(range);
    if (table?.count !== rangeEntries) throw new RangeError(`range ${range} of the log is not complete`);
    const keys = new Float64Array(rangeEntries);
    let count = 0;
    for (let slot = 0; slot < slots; slot++) {
      const position = table.positions[slot] ?? 0;
      if (position !== 0) keys[count++] = (table.tags[slot] ?? 0) * rangeEntries + position - 1;
      if (slot % stepsBetweenTurns === 0) await nextTurn();
    }
    const sorted = await sortInSlices(keys);
    const pairs = new Uint32Array(2 * rangeEntries);
    for (let at = 0; at < sorted.length; at++) {
      const key = sorted[at] ?? 0;
      pairs[2 * at] = Math.floor(key / rangeEntries);
      pairs[2 * at + 1] = key % rangeEntries;
      if (at % stepsBetweenTurns === 0) await nextTurn();
    }
    return pairs;
  }

  /** Lets go of a range that has become a run. */
  release(range: number): void {
    this.#tables.delete(range);
  }

  #tableOf(range: number): RangeTable {
    const known = this.#tables.get(range);
    if (known !== undefined) return known;
    const table = { tags: new Uint32Array(slots), positions: new Uint32Array(slots), count: 0 };
    this.#tables.set(range, table);
    return table;
  }
}
