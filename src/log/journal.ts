/**
 * The append journal: the one place where entries and checkpoints become durable. Segments of frames in `journal/`,
 * each named by the index of its first entry. Everything else on disk (tiles, index) can be made again from it.
 */

import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectoryDurably, syncDirectory } from './durable-file.js';
import { type EntryFrame, encodeFrameInto, type Frame, maxEncodedBytes } from './journal-frame.js';
import { JournalPositions } from './journal-positions.js';
import {
  findEntry,
  findFrames,
  type JournalDamage,
  type RawFrames,
  scanSegments,
  type Visit,
} from './journal-scan.js';
import {
  checkFinished,
  damagedError,
  type FinishedSegment,
  lastOf,
  listSegments,
  nameOf,
  type Segment,
  segmentOf,
} from './journal-segments.js';
import { SegmentFiles } from './segment-files.js';

/** Thrown when a write did not happen: nothing was appended, and the same bytes may be tried again. */
export class JournalWriteError extends Error {
  constructor(path: string, cause: unknown) {
    super(`cannot append to ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = 'JournalWriteError';
  }
}

/** Thrown after a failed fdatasync, or a failed write that cannot be cut off: what is in the journal is unknown, so the process must end and recover on restart. */
export class JournalSyncError extends Error {
  constructor(path: string, cause: unknown) {
    super(`what is durable in ${path} is unknown; the daemon must stop and recover on restart`, { cause });
    this.name = 'JournalSyncError';
  }
}

/** What is known of the first part of a journal, so that it need not be read again: whole spans of entries. */
export interface JournalStart {
  /** The anchors of each span. */
  readonly anchors: readonly Uint32Array[];
  /** Segments that had ended by then. */
  readonly finished: readonly FinishedSegment[];
}

interface Place {
  readonly directory: string;
  readonly segmentLimitBytes: number;
}

/** The buffer that batches are encoded into grows to this size and is kept; larger batches have one of their own. */
const keptBatchBytes = 4 << 20;

/** Segments end at the first batch that passes this size, so that old ones can be archived or thinned out whole. */
export const segmentSizeBytes = 256 << 20;

/** An open journal. One writer; `append` and `sync` are never called concurrently. */
export class Journal {
  readonly #directory: string;
  readonly #segmentLimitBytes: number;
  readonly #segments: Segment[];
  readonly #positions: JournalPositions;
  readonly #readers = new SegmentFiles();
  #file: FileHandle;
  #position: number;
  #batch = Buffer.allocUnsafeSlow(256 << 10);

  private constructor(
    place: Place,
    segments: Segment[],
    positions: JournalPositions,
    file: FileHandle,
    position: number,
  ) {
    this.#directory = place.directory;
    this.#segmentLimitBytes = place.segmentLimitBytes;
    this.#segments = segments;
    this.#positions = positions;
    this.#file = file;
    this.#position = position;
  }

  /**
   * Opens the journal and hands every whole frame behind `start`, oldest first, to `visit` (whose bytes are views: copy
   * what is kept, and `index` is that of the entry, or of the next entry for a checkpoint). Damage at the very end is
   * returned, not repaired: the caller decides, knowing the seals, whether it is a torn write, and then calls
   * `cutTornTail`. Throws LogDamageError when an earlier segment is damaged or missing, or not as `start` says.
   */
  static async open(
    directory: string,
    visit: Visit,
    segmentLimitBytes: number = segmentSizeBytes,
    start: JournalStart = { anchors: [], finished: [] },
  ): Promise<{ readonly journal: Journal; readonly damage: JournalDamage | null }> {
    await makeDirectoryDurably(directory, 0o700);
    const segments = await listSegments(directory);
    const isNew = segments.length === 0;
    if (start.anchors.length > 0 && segments[0]?.firstIndex !== 0)
      throw damagedError(join(directory, nameOf(0)));
    if (isNew) segments.push({ path: join(directory, nameOf(0)), firstIndex: 0, sizeBytes: null });
    await checkFinished(segments, start.finished, directory);
    const positions = new JournalPositions(start.anchors);
    const scan = await scanSegments(segments, positions, visit);
    if (isNew) await syncDirectory(directory);
    const file = await open(lastOf(segments).path, 'r+');
    const place = { directory, segmentLimitBytes };
    return { journal: new Journal(place, segments, positions, file, scan.endOffset), damage: scan.damage };
  }

  /** How many entries the journal holds. */
  get entryCount(): number {
    return this.#positions.size;
  }

  /** The anchors of a span of entries that the journal holds whole; for `JournalStart`. */
  anchorsOf(span: number): Uint32Array {
    return this.#positions.anchorsOf(span);
  }

  /** The segments that have ended; for `JournalStart`. */
  get finishedSegments(): readonly FinishedSegment[] {
    return this.#segments.flatMap(({ firstIndex, sizeBytes }) =>
      sizeBytes === null ? [] : [{ firstIndex, sizeBytes }],
    );
  }

  /**
   * Writes frames behind the last ones, to the page cache only. On JournalWriteError none of them counts, and whatever
   * part reached the file is cut off again. Throws JournalSyncError where that fails, and like `sync` where a segment ends.
   */
  async append(frames: readonly Frame[]): Promise<void> {
    const { bytes, ends } = this.#encode(frames);
    try {
      if (this.#position >= this.#segmentLimitBytes) await this.#startSegment();
      await writeFully(this.#file, bytes, this.#position);
    } catch (cause) {
      if (cause instanceof JournalSyncError) throw cause;
      await this.#cutFailedWrite();
      throw new JournalWriteError(lastOf(this.#segments).path, cause);
    }
    let frameAt = 0;
    for (const [position, frame] of frames.entries()) {
      if (frame.frame === 'entry') this.#positions.add(this.#position + frameAt);
      frameAt = ends[position] ?? frameAt;
    }
    this.#position += frameAt;
  }

  /** All frames in one buffer, which the next call overwrites, and where each of them ends. */
  #encode(frames: readonly Frame[]): { readonly bytes: Buffer; readonly ends: readonly number[] } {
    let room = 0;
    for (const frame of frames) room += maxEncodedBytes(frame);
    let target = this.#batch;
    if (room > target.length) {
      target = Buffer.allocUnsafeSlow(room);
      if (room <= keptBatchBytes) this.#batch = target;
    }
    let end = 0;
    const ends = frames.map((frame) => {
      end = encodeFrameInto(frame, target, end);
      return end;
    });
    return { bytes: target.subarray(0, end), ends };
  }

  /** Makes everything appended so far durable (fdatasync). Throws JournalSyncError, after which nothing may be tried again. */
  async sync(): Promise<void> {
    try {
      await this.#file.datasync();
    } catch (cause) {
      throw new JournalSyncError(lastOf(this.#segments).path, cause);
    }
  }

  /** Reads an entry back. Throws RangeError for an index that the journal does not hold, LogClosedError after `close`. */
  async read(index: number): Promise<EntryFrame> {
    if (!Number.isInteger(index) || index < 0 || index >= this.entryCount)
      throw new RangeError(`the journal holds no entry ${index}`);
    const segment = segmentOf(this.#segments, index);
    const after = this.#positions.after(index);
    const isAfterIn = after !== null && segmentOf(this.#segments, after.index) === segment;
    const endOffset = isAfterIn ? after.offset : (segment.sizeBytes ?? this.#position);
    const found = await this.#readers.use(segment.path, (file) =>
      findEntry(file, segment, index, this.#positions.before(index), endOffset),
    );
    if (found === null) throw damagedError(segment.path);
    return found.frame;
  }

  /**
   * Reads frames as they lie there, from entry `from` up to `to` or somewhat fewer, unchecked: for whoever proves them
   * elsewhere. Throws as `read` does.
   */
  async readFrames(from: number, to: number): Promise<RawFrames> {
    if (!Number.isInteger(from) || from < 0 || from >= this.entryCount)
      throw new RangeError(`the journal holds no entry ${from}`);
    const segment = segmentOf(this.#segments, from);
    const end = this.#positions.after(Math.min(to, this.entryCount) - 1);
    const isEndIn = end !== null && segmentOf(this.#segments, end.index) === segment;
    const endOffset = isEndIn ? end.offset : (segment.sizeBytes ?? this.#position);
    const found = await this.#readers.use(segment.path, (file) =>
      findFrames(file, segment, [from, to], this.#positions.before(from), endOffset),
    );
    if (found === null) throw damagedError(segment.path);
    return found;
  }

  /** Cuts what lies behind the last whole frame. Only for damage that the caller knows to be a torn write. */
  async cutTornTail(): Promise<void> {
    await this.#file.truncate(this.#position);
    await this.#file.sync();
  }

  /** Reads that are under way may still end; no others begin. */
  async close(): Promise<void> {
    await this.#readers.close();
    await this.#file.close();
  }

  /** Whole frames of a failed write would count at the next start: a checkpoint among them as one in force. */
  async #cutFailedWrite(): Promise<void> {
    try {
      await this.#file.truncate(this.#position);
    } catch (cause) {
      throw new JournalSyncError(lastOf(this.#segments).path, cause);
    }
  }

  async #startSegment(): Promise<void> {
    // Only the last segment may end in the rest of a failed write, or in a checkpoint that is not yet durable.
    await this.#file.truncate(this.#position);
    await this.sync();
    const firstIndex = this.entryCount;
    const path = join(this.#directory, nameOf(firstIndex));
    // An attempt that failed may have left this file behind, with nothing in it that counts.
    const file = await open(path, 'w+', 0o600);
    try {
      await syncDirectory(this.#directory);
    } catch (cause) {
      await file.close();
      throw cause;
    }
    const finished = this.#file;
    lastOf(this.#segments).sizeBytes = this.#position;
    this.#file = file;
    this.#position = 0;
    this.#segments.push({ path, firstIndex, sizeBytes: null });
    await finished.close();
  }
}

async function writeFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}
