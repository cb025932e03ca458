/**
 * Brings log and views up together: from the newest snapshot that the log confirms and the entries behind it, or from
 * all entries. A snapshot is believed only when its files have the digests of its manifest, and the manifest those of a
 * `snapshot` record behind it that is under the newest seal; until then nothing is changed on disk.
 */

import type { VerifierKey } from '../format/note.js';
import type { LogRecord } from '../format/record.js';
import { LogDamageError } from '../log/damage.js';
import { spanEntries } from '../log/journal-positions.js';
import {
  type LogStart,
  type RecoveredLog,
  type ReplayedEntry,
  type RetiredLogKey,
  recoverLog,
} from '../log/recovery.js';
import { rangeEntries } from './id-index.js';
import { rootOf } from './manifest.js';
import { type FoundManifest, SnapshotDamageError, ViewStore } from './view-store.js';
import { LogViews, rangesIn } from './views.js';

export interface OpenedViews {
  readonly recovered: RecoveredLog;
  readonly views: LogViews;
  readonly store: ViewStore;
  /** Size of the snapshot that was loaded; 0 where the whole log was replayed. */
  readonly snapshotSize: number;
}

export interface StateDirectories {
  readonly journal: string;
  readonly log: string;
  readonly views: string;
}

/**
 * Opens everything. `onTrouble` takes a sentence about each snapshot that is passed over; then an older one is tried,
 * and at last the whole log is replayed. Throws LogDamageError as `recoverLog` does.
 */
export async function openViews(
  directories: StateDirectories,
  key: VerifierKey,
  onTrouble: (sentence: string) => void,
  retired: readonly RetiredLogKey[] = [],
): Promise<OpenedViews> {
  const found = await listManifests(directories.views);
  for (const candidate of found) {
    const store = await ViewStore.open(directories.views);
    try {
      return await openFrom(candidate, directories, { key, retired }, store);
    } catch (cause) {
      await store.close();
      if (!(cause instanceof SnapshotDamageError || cause instanceof LogDamageError)) throw cause;
      onTrouble(`passed over the snapshot of the first ${candidate.manifest.size} entries: ${cause.message}`);
    }
  }
  const store = await ViewStore.open(directories.views);
  const views = new LogViews(store);
  try {
    const recovered = await recoverLog(directories, key, (entry) => views.apply(entry), undefined, retired);
    return { recovered, views, store, snapshotSize: 0 };
  } catch (cause) {
    await store.close();
    throw cause;
  }
}

async function listManifests(directory: string): Promise<FoundManifest[]> {
  const store = await ViewStore.open(directory);
  try {
    return await store.manifests();
  } finally {
    await store.close();
  }
}

async function openFrom(
  { manifest, digests }: FoundManifest,
  directories: StateDirectories,
  { key, retired }: { readonly key: VerifierKey; readonly retired: readonly RetiredLogKey[] },
  store: ViewStore,
): Promise<OpenedViews> {
  if (manifest.log !== key.name) throw new SnapshotDamageError(`it is of another log, ${manifest.log}`);
  const views = new LogViews(store);
  let confirmedAt: number | null = null;
  const visit = (entry: ReplayedEntry): void => {
    views.apply(entry);
    if (confirms(entry.record)) confirmedAt = entry.index;
  };
  const confirms = (record: LogRecord | null): boolean =>
    record?.type === 'urn:writ:snapshot:v1' &&
    record.size === manifest.size &&
    record.manifest.sha3_512 === digests.sha3_512 &&
    record.manifest.blake2b === digests.blake2b;
  const start = async (publishedSize: number): Promise<LogStart> => {
    // Tiles behind the published ones are in no file, so the entries that they are made of are read again.
    const spans = manifest.spans.slice(0, Math.floor(publishedSize / spanEntries));
    const anchors: Uint32Array[] = [];
    for (const span of spans) {
      const loaded = await store.load(span);
      anchors.push(loaded.anchors);
      views.restore(loaded, span.facts);
    }
    await restoreIds(manifest.runs.slice(0, rangesIn(spans.length)), spans.length, store, views);
    return {
      anchors,
      finished: manifest.segments,
      roots: spans.map(rootOf),
      isConfirmed: (sealedSize) => confirmedAt !== null && confirmedAt < sealedSize,
    };
  };
  const recovered = await recoverLog(directories, key, visit, start, retired);
  return { recovered, views, store, snapshotSize: manifest.size };
}

async function restoreIds(
  runs: readonly string[],
  spans: number,
  store: ViewStore,
  views: LogViews,
): Promise<void> {
  const room = new Uint32Array(2 * rangeEntries);
  for (const digest of runs) await store.loadRun(digest, room);
  const firstInMemory = (runs.length * rangeEntries) / spanEntries;
  for (let span = firstInMemory; span < spans; span++) views.restoreTags(span, await store.loadTags(span));
}
