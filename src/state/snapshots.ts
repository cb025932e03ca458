/**
 * Makes snapshots of the views while the log grows, off the request path: each time another span of the log is complete
 * and sealed, what it adds goes into the store, a manifest is written, and its digests are logged. A snapshot costs as
 * much as the span that it adds, however long the log is.
 */

import { base64Encode } from '../format/base64.js';
import type { SnapshotRecord } from '../format/daemon-record.js';
import type { Journal } from '../log/journal.js';
import { spanEntries } from '../log/journal-positions.js';
import type { TileTree } from '../log/tile-tree.js';
import { encodeManifest } from './manifest.js';
import type { ViewStore } from './view-store.js';
import { type LogViews, rangesIn } from './views.js';

/** What a snapshot record says beyond what every record does. */
export type SnapshotContent = Pick<SnapshotRecord, 'type' | 'size' | 'manifest'>;

export interface SnapshotParts {
  readonly origin: string;
  readonly store: ViewStore;
  readonly views: LogViews;
  readonly journal: Journal;
  readonly tree: TileTree;
  /** How many entries the newest seal covers. */
  readonly sealedSize: () => number;
  /** Logs the record; false when it could not be sealed. Never rejects. */
  readonly log: (content: SnapshotContent) => Promise<boolean>;
  /** Takes a sentence about a snapshot that could not be made; the next one is tried with the next span. */
  readonly onTrouble: (sentence: string) => void;
}

/** Level of a span's subtree: 2^16 entries. */
const spanLevel = Math.log2(spanEntries);

export class Snapshots {
  readonly #parts: SnapshotParts;
  /** Sizes of the newest two snapshots whose record is sealed. */
  #sealed: readonly number[];
  /** Sealed size from which the next snapshot is worth trying. */
  #nextSize: number;
  #running: Promise<void> | null = null;
  #closed = false;

  /** `loadedSize`: the snapshot that this run started from; 0 for none. */
  constructor(parts: SnapshotParts, loadedSize: number) {
    this.#parts = parts;
    this.#sealed = loadedSize === 0 ? [] : [loadedSize];
    this.#nextSize = parts.store.spans.length * spanEntries + spanEntries;
  }

  /** Call after each seal. Cheap; never throws. */
  notify(): void {
    if (this.#closed || this.#running !== null || this.#parts.sealedSize() < this.#nextSize) return;
    this.#running = this.#make().finally(() => {
      this.#running = null;
      this.notify();
    });
  }

  /** Settles when no snapshot is being made. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  /** Settles when no snapshot is being made any more; none is begun afterwards. Call it before the log is closed. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.idle();
  }

  /** Never rejects. */
  async #make(): Promise<void> {
    const sealed = Math.floor(this.#parts.sealedSize() / spanEntries);
    this.#nextSize = (sealed + 1) * spanEntries;
    try {
      await this.#storeSpans(sealed);
      // What an earlier run logged needs no second record: the same log gives the same files.
      if (sealed * spanEntries > (this.#sealed.at(-1) ?? 0)) await this.#logSnapshot();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      this.#parts.onTrouble(`no snapshot of the first ${sealed * spanEntries} entries: ${reason}`);
    }
  }

  async #storeSpans(sealed: number): Promise<void> {
    const { store, views, journal, tree } = this.#parts;
    for (let number = store.spans.length; number < sealed; number++) {
      const span = views.completeSpan(number);
      if (span === null) throw new Error(`span ${number} of the log is not in memory`);
      await store.append(span, journal.anchorsOf(number), base64Encode(tree.subtree(spanLevel, number)));
      views.releaseSpan(number);
      for (let range = store.runs.length; range < rangesIn(store.spans.length); range++) {
        await store.appendRun(await views.sortedRange(range));
        views.releaseRange(range);
      }
    }
  }

  async #logSnapshot(): Promise<void> {
    const { origin, store, journal, log } = this.#parts;
    const size = store.spans.length * spanEntries;
    const { bytes, digests } = encodeManifest({
      format: 'writ.snapshot/v2',
      log: origin,
      size,
      segments: journal.finishedSegments.filter(({ firstIndex }) => firstIndex < size),
      spans: store.spans,
      runs: store.runs,
    });
    await store.writeManifest(size, bytes);
    if (!(await log({ type: 'urn:writ:snapshot:v1', size, manifest: digests })))
      throw new Error('its record could not be sealed');
    this.#sealed = [...this.#sealed, size].slice(-2);
    await store.keepManifests(this.#sealed);
  }
}
