/**
 * The files that snapshots of the views are made of, in `views/` of the state directory:
 *
 *   changes          what each span adds (span.ts), one behind the other
 *   tags             the tags of each span's ids, one behind the other
 *   ids              the sorted run of each complete range of ids (id-index.ts), one behind the other
 *   manifest-<size>  what of these belongs to the snapshot of the first <size> entries, with digests
 *
 * The first three only grow, so an older manifest stays valid beside a newer one. All of it can be made again from the
 * log, and none of it is believed without a sealed `snapshot` record that holds the manifest's digests.
 */

import { createHash, hash } from 'node:crypto';
import { constants, type FileHandle, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { makeDirectoryDurably, writeDurably } from '../log/durable-file.js';
import { spanEntries } from '../log/journal-positions.js';
import { type IdRuns, rangeEntries } from './id-index.js';
import { decodeManifest, type Manifest, manifestDigests, type StoredSpan } from './manifest.js';
import { findPairs, type PairTable, pairBytes, pairTable } from './pair-table.js';
import { anchorsPerSpan, type Span, type SpanFacts, tagsBytes } from './span.js';

/** The state of one span as it was read back. */
export interface LoadedSpan {
  readonly anchors: Uint32Array;
  readonly redemptions: Uint32Array;
  readonly revocations: Uint32Array;
  readonly leases: Uint32Array;
  readonly ends: Uint32Array;
}

/** A manifest that was read, not yet believed. */
export interface FoundManifest {
  readonly manifest: Manifest;
  readonly digests: ReturnType<typeof manifestDigests>;
}

/** A file of a snapshot is missing or not what its manifest says. */
export class SnapshotDamageError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SnapshotDamageError';
  }
}

const manifestName = /^manifest-(\d{16})$/;
const anchorsBytes = 4 * anchorsPerSpan;
const runBytes = pairBytes * rangeEntries;
const slicedWords = 65_536;

export class ViewStore {
  readonly #directory: string;
  readonly #changes: FileHandle;
  readonly #tags: FileHandle;
  readonly #ids: FileHandle;
  /** Of each span that is in use: where its changes end, and its table of redemptions. */
  readonly #spans: { readonly stored: StoredSpan; readonly end: number; readonly redemptions: PairTable }[] =
    [];
  readonly #runs: { readonly digest: string; readonly table: PairTable }[] = [];

  private constructor(directory: string, files: readonly [FileHandle, FileHandle, FileHandle]) {
    this.#directory = directory;
    [this.#changes, this.#tags, this.#ids] = files;
  }

  /** Opens the files, or makes them; nothing of what lies in them is in use yet. */
  static async open(directory: string): Promise<ViewStore> {
    await makeDirectoryDurably(directory, 0o700);
    const flags = constants.O_RDWR | constants.O_CREAT;
    const changes = await open(join(directory, 'changes'), flags, 0o600);
    const tags = await open(join(directory, 'tags'), flags, 0o600);
    const ids = await open(join(directory, 'ids'), flags, 0o600);
    return new ViewStore(directory, [changes, tags, ids]);
  }

  /** The manifests that lie there, newest first. What cannot be read as one is passed over. */
  async manifests(): Promise<FoundManifest[]> {
    const names = (await readdir(this.#directory)).filter((name) => manifestName.test(name)).sort();
    const found: FoundManifest[] = [];
    for (const name of names.reverse()) {
      const bytes = await readFile(join(this.#directory, name));
      try {
        found.push({ manifest: decodeManifest(bytes), digests: manifestDigests(bytes) });
      } catch (cause) {
        if (!(cause instanceof Error)) throw cause;
      }
    }
    return found;
  }

  /** The spans in use, and the digests of the runs in use; for a manifest. */
  get spans(): readonly StoredSpan[] {
    return this.#spans.map(({ stored }) => stored);
  }

  get runs(): readonly string[] {
    return this.#runs.map(({ digest }) => digest);
  }

  /** Takes the next span of a manifest into use. Throws SnapshotDamageError when it is not what the manifest says. */
  async load(stored: StoredSpan): Promise<LoadedSpan> {
    const start = this.#spans.at(-1)?.end ?? 0;
    const loaded = await this.#readChanges(stored, start);
    this.#use(stored, start, loaded.redemptions, changesBytes(stored));
    return { ...loaded, anchors: loaded.anchors.slice() };
  }

  /** The marks of the revocations in a span that is in use, by their targets. Throws SnapshotDamageError. */
  async revocationMarks(span: number): Promise<Uint32Array> {
    const used = this.#spans[span];
    if (used === undefined || used.stored.revocations === 0) return new Uint32Array();
    // As a whole: its digest is what tells that none of them is missing.
    const { revocations } = await this.#readChanges(used.stored, used.end - changesBytes(used.stored));
    return revocations.filter((_, at) => at % 2 === 1);
  }

  /** What the records of a span that is in use state; undefined for any other. */
  factsOf(span: number): SpanFacts | undefined {
    return this.#spans[span]?.stored.facts;
  }

  /** The tags of a span that is in use. Throws SnapshotDamageError. */
  async loadTags(span: number): Promise<Uint32Array> {
    const words = new Uint32Array(spanEntries);
    const digest = this.#spans[span]?.stored.tags ?? '';
    await readWhole(this.#tags, words, span * tagsBytes, digest, 'tags');
    return words;
  }

  /** Takes the next run of a manifest into use. `room` is overwritten. Throws SnapshotDamageError. */
  async loadRun(digest: string, room: Uint32Array): Promise<void> {
    const offset = this.#runs.length * runBytes;
    await readWhole(this.#ids, room, offset, digest, 'ids');
    this.#runs.push({ digest, table: pairTable(room, offset) });
  }

  /** Writes the next span and takes it into use; durable on return. Rejects with what the file system throws. */
  async append(span: Span, anchors: Uint32Array, root: string): Promise<void> {
    const start = this.#spans.at(-1)?.end ?? 0;
    const redemptions = await span.redemptions.sorted();
    const revocations = await span.revocations.sorted();
    const leases = await span.leases.sorted();
    const ends = await span.ends.sorted();
    const words = joined([anchors, redemptions, revocations, leases, ends]);
    await writeWhole(this.#changes, words, start);
    await writeWhole(this.#tags, span.tags, this.#spans.length * tagsBytes);
    const stored = {
      root,
      changes: await digestInSlices(words),
      tags: await digestInSlices(span.tags),
      redemptions: redemptions.length / 2,
      revocations: revocations.length / 2,
      leases: leases.length / 2,
      ends: ends.length / 2,
      facts: span.approvals.length === 0 ? span.facts : { ...span.facts, approvals: span.approvals },
    };
    this.#use(stored, start, redemptions, words.byteLength);
  }

  /** Writes the next run and takes it into use; durable on return. Rejects with what the file system throws. */
  async appendRun(pairs: Uint32Array): Promise<void> {
    const offset = this.#runs.length * runBytes;
    await writeWhole(this.#ids, pairs, offset);
    const digest = await digestInSlices(pairs);
    this.#runs.push({ digest, table: pairTable(pairs, offset) });
  }

  /** Writes a manifest; durable on return. Rejects with what the file system throws. */
  async writeManifest(size: number, bytes: Uint8Array): Promise<void> {
    await writeDurably(this.#pathOf(size), bytes, 0o600);
  }

  /** Removes the manifests of all other sizes. */
  async keepManifests(sizes: readonly number[]): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      const size = manifestName.exec(name)?.[1];
      if (size !== undefined && !sizes.includes(Number(size))) await rm(join(this.#directory, name));
    }
  }

  /** Index of the receipt for an artifact, among the spans in use from the artifact's own on; null where there is none. */
  async findRedemption(artifactIndex: number): Promise<number | null> {
    // An artifact is redeemed once, and mostly soon after it was issued.
    for (let span = Math.floor(artifactIndex / spanEntries); span < this.#spans.length; span++) {
      const table = this.#spans[span]?.redemptions;
      const [receipt] = table === undefined ? [] : await findPairs(this.#changes, table, artifactIndex);
      if (receipt !== undefined) return receipt;
    }
    return null;
  }

  /** The runs in use, as the id index asks them. */
  readonly idRuns: IdRuns = ((store: ViewStore) => ({
    get count() {
      return store.#runs.length;
    },
    find: (tag: number) => store.#findTag(tag),
  }))(this);

  async close(): Promise<void> {
    for (const file of [this.#changes, this.#tags, this.#ids]) await file.close();
  }

  async #findTag(tag: number): Promise<number[]> {
    const perRun = await Promise.all(this.#runs.map(({ table }) => findPairs(this.#ids, table, tag)));
    return perRun.flatMap((positions, run) => positions.map((position) => run * rangeEntries + position));
  }

  async #readChanges(stored: StoredSpan, start: number): Promise<LoadedSpan> {
    const words = new Uint32Array(changesBytes(stored) / 4);
    await readWhole(this.#changes, words, start, stored.changes, 'changes');
    let at = anchorsBytes / 4;
    const next = (count: number): Uint32Array => {
      const from = at;
      at += (pairBytes / 4) * count;
      return words.subarray(from, at);
    };
    return {
      anchors: words.subarray(0, at),
      redemptions: next(stored.redemptions),
      revocations: next(stored.revocations),
      leases: next(stored.leases),
      ends: next(stored.ends),
    };
  }

  #use(stored: StoredSpan, start: number, redemptions: Uint32Array, sizeBytes: number): void {
    const table = pairTable(redemptions, start + anchorsBytes);
    this.#spans.push({ stored, end: start + sizeBytes, redemptions: table });
  }

  #pathOf(size: number): string {
    return join(this.#directory, `manifest-${String(size).padStart(16, '0')}`);
  }
}

function joined(parts: readonly Uint32Array[]): Uint32Array {
  const words = new Uint32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    words.set(part, at);
    at += part.length;
  }
  return words;
}

function changesBytes({ redemptions, revocations, leases, ends }: StoredSpan): number {
  return anchorsBytes + pairBytes * (redemptions + revocations + leases + ends);
}

async function readWhole(
  file: FileHandle,
  words: Uint32Array,
  offset: number,
  digest: string,
  name: string,
): Promise<void> {
  const { bytesRead } = await file.read(words, 0, words.byteLength, offset);
  if (bytesRead !== words.byteLength || digestOf(words) !== digest)
    throw new SnapshotDamageError(`the file ${name} is not what the snapshot says at byte ${offset}`);
}

async function writeWhole(file: FileHandle, words: Uint32Array, offset: number): Promise<void> {
  const bytes = Buffer.from(words.buffer, words.byteOffset, words.byteLength);
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, offset + written);
    written += bytesWritten;
  }
  await file.datasync();
}

/** Native: what is digested here has up to four megabytes. */
function digestOf(words: Uint32Array): string {
  return hash('blake2b512', words, 'hex');
}

/** The same while requests are served: no slice takes a millisecond. */
async function digestInSlices(words: Uint32Array): Promise<string> {
  const digest = createHash('blake2b512');
  for (let start = 0; start < words.length; start += slicedWords) {
    digest.update(words.subarray(start, start + slicedWords));
    await nextTurn();
  }
  return digest.digest('hex');
}
