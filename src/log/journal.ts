/**
 * The append journal: the one place where entries and checkpoints become durable. Segments of frames in `journal/`,
 * each named by the index of its first entry. Everything else on disk (tiles, index) can be made again from it.
 */

import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LogDamageError } from './damage.js';
import { makeDirectoryDurably, syncDirectory } from './durable-file.js';
import { type EntryFrame, encodeFrame, type Frame, maxFrameBytes, readFrame } from './journal-frame.js';

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

/** Where and how a journal stops being readable. */
export interface JournalDamage {
  readonly segment: string;
  readonly offset: number;
  readonly sizeBytes: number;
  /** Whole checkpoints that were found behind the damage: then it is no torn write but a loss. */
  readonly checkpointsBehind: readonly string[];
}

/** One journal segment as it lies on disk. */
interface Segment {
  readonly path: string;
  readonly firstIndex: number;
  /** Byte offset of each entry's frame, relative to the segment. */
  readonly offsets: number[];
}

interface Place {
  readonly directory: string;
  readonly segmentLimitBytes: number;
}

const segmentName = /^\d{16}\.journal$/;
const readChunkBytes = 4 << 20;

/** Segments end at the first batch that passes this size, so that old ones can be archived or thinned out whole. */
export const segmentSizeBytes = 256 << 20;

/** An open journal. One writer; `append` and `sync` are never called concurrently. */
export class Journal {
  readonly #directory: string;
  readonly #segmentLimitBytes: number;
  readonly #segments: Segment[];
  #file: FileHandle;
  #position: number;

  private constructor(place: Place, segments: Segment[], file: FileHandle, position: number) {
    this.#directory = place.directory;
    this.#segmentLimitBytes = place.segmentLimitBytes;
    this.#segments = segments;
    this.#file = file;
    this.#position = position;
  }

  /**
   * Opens the journal and hands every whole frame, oldest first, to `visit` (whose bytes are views: copy what is kept,
   * and `index` is that of the entry, or of the next entry for a checkpoint). Damage at the very end is returned, not
   * repaired: the caller decides, knowing the seals, whether it is a torn write, and then calls `cutTornTail`.
   * Throws when an earlier segment is damaged or missing.
   */
  static async open(
    directory: string,
    visit: (frame: Frame, index: number) => void,
    segmentLimitBytes: number = segmentSizeBytes,
  ): Promise<{ readonly journal: Journal; readonly damage: JournalDamage | null }> {
    await makeDirectoryDurably(directory, 0o700);
    const names = (await readdir(directory)).filter((name) => segmentName.test(name)).sort();
    const segments: Segment[] = [];
    let damage: JournalDamage | null = null;
    let endOffset = 0;
    let count = 0;
    for (const name of names.length === 0 ? [nameOf(0)] : names) {
      const segment: Segment = {
        path: join(directory, name),
        firstIndex: Number.parseInt(name, 10),
        offsets: [],
      };
      if (damage !== null || segment.firstIndex !== count) throw damagedError(segment.path);
      segments.push(segment);
      const scan = await scanSegment(segment, visit);
      damage = scan.damage;
      endOffset = scan.endOffset;
      count += segment.offsets.length;
    }
    if (names.length === 0) await syncDirectory(directory);
    const file = await open(lastOf(segments).path, 'r+');
    return { journal: new Journal({ directory, segmentLimitBytes }, segments, file, endOffset), damage };
  }

  /** How many entries the journal holds. */
  get entryCount(): number {
    const segment = lastOf(this.#segments);
    return segment.firstIndex + segment.offsets.length;
  }

  /**
   * Writes frames behind the last ones, to the page cache only. On JournalWriteError none of them counts, and whatever
   * part reached the file is cut off again. Throws JournalSyncError where that fails, and like `sync` where a segment ends.
   */
  async append(frames: readonly Frame[]): Promise<void> {
    const encoded = frames.map(encodeFrame);
    try {
      if (this.#position >= this.#segmentLimitBytes) await this.#startSegment();
      await writeFully(this.#file, Buffer.concat(encoded), this.#position);
    } catch (cause) {
      if (cause instanceof JournalSyncError) throw cause;
      await this.#cutFailedWrite();
      throw new JournalWriteError(lastOf(this.#segments).path, cause);
    }
    const segment = lastOf(this.#segments);
    for (const [position, bytes] of encoded.entries()) {
      if (frames[position]?.frame === 'entry') segment.offsets.push(this.#position);
      this.#position += bytes.length;
    }
  }

  /** Makes everything appended so far durable (fdatasync). Throws JournalSyncError, after which nothing may be tried again. */
  async sync(): Promise<void> {
    try {
      await this.#file.datasync();
    } catch (cause) {
      throw new JournalSyncError(lastOf(this.#segments).path, cause);
    }
  }

  /** Reads an entry back. Throws RangeError for an index that the journal does not hold. */
  async read(index: number): Promise<EntryFrame> {
    const segment = this.#segments.findLast(({ firstIndex }) => firstIndex <= index);
    const offset = segment?.offsets[index - segment.firstIndex];
    if (segment === undefined || offset === undefined)
      throw new RangeError(`the journal holds no entry ${index}`);
    const isCurrent = segment === lastOf(this.#segments);
    const end =
      segment.offsets[index - segment.firstIndex + 1] ??
      (isCurrent ? this.#position : Number.POSITIVE_INFINITY);
    const sizeBytes = Math.min(end - offset, maxFrameBytes);
    if (isCurrent) return readEntry(this.#file, segment.path, offset, sizeBytes);
    const file = await open(segment.path, 'r');
    try {
      return await readEntry(file, segment.path, offset, sizeBytes);
    } finally {
      await file.close();
    }
  }

  /** Cuts what lies behind the last whole frame. Only for damage that the caller knows to be a torn write. */
  async cutTornTail(): Promise<void> {
    await this.#file.truncate(this.#position);
    await this.#file.sync();
  }

  async close(): Promise<void> {
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
    // Without a pause in between, so that no read meets a file that is being closed.
    this.#file = file;
    this.#position = 0;
    this.#segments.push({ path, firstIndex, offsets: [] });
    await finished.close();
  }
}

async function scanSegment(
  segment: Segment,
  visit: (frame: Frame, index: number) => void,
): Promise<{ readonly damage: JournalDamage | null; readonly endOffset: number }> {
  const file = await open(segment.path, 'a+', 0o600);
  try {
    const { size } = await file.stat();
    let offset = 0;
    while (offset < size) {
      const chunk = Buffer.alloc(Math.min(readChunkBytes, size - offset));
      const { bytesRead } = await file.read(chunk, 0, chunk.length, offset);
      const consumed = scanChunk(chunk.subarray(0, bytesRead), segment, offset, visit);
      if (consumed === 0)
        return { damage: await inspectDamage(file, segment.path, offset, size), endOffset: offset };
      offset += consumed;
    }
    return { damage: null, endOffset: offset };
  } finally {
    await file.close();
  }
}

/** Visits the whole frames at the start of a chunk and returns how many bytes they took. */
function scanChunk(
  chunk: Uint8Array,
  segment: Segment,
  baseOffset: number,
  visit: (frame: Frame, index: number) => void,
): number {
  let offset = 0;
  for (let reading = readFrame(chunk, 0); reading.reading === 'frame'; reading = readFrame(chunk, offset)) {
    const index = segment.firstIndex + segment.offsets.length;
    if (reading.frame.frame === 'entry') segment.offsets.push(baseOffset + offset);
    visit(reading.frame, index);
    offset = reading.nextOffset;
  }
  return offset;
}

/** Looks for whole checkpoints behind damage: a checkpoint is written only after all it covers was durable. */
async function inspectDamage(
  file: FileHandle,
  path: string,
  offset: number,
  size: number,
): Promise<JournalDamage> {
  const rest = Buffer.alloc(size - offset);
  await file.read(rest, 0, rest.length, offset);
  const checkpointsBehind: string[] = [];
  for (let start = 1; start < rest.length; start++) {
    const reading = rest[start + 8] === 2 ? readFrame(rest, start) : null;
    if (reading?.reading === 'frame' && reading.frame.frame === 'checkpoint') {
      checkpointsBehind.push(reading.frame.note);
      start = reading.nextOffset - 1;
    }
  }
  return { segment: path, offset, sizeBytes: rest.length, checkpointsBehind };
}

async function writeFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}

/** Reads the entry whose frame lies within `sizeBytes` from `offset`. */
async function readEntry(
  file: FileHandle,
  path: string,
  offset: number,
  sizeBytes: number,
): Promise<EntryFrame> {
  const bytes = Buffer.alloc(sizeBytes);
  const { bytesRead } = await file.read(bytes, 0, sizeBytes, offset);
  const reading = readFrame(bytes.subarray(0, bytesRead), 0);
  if (reading.reading === 'torn' || reading.frame.frame !== 'entry') throw damagedError(path);
  return reading.frame;
}

function damagedError(path: string): LogDamageError {
  return new LogDamageError(`the journal segment ${path} is damaged or missing; restore the state directory`);
}

function nameOf(firstIndex: number): string {
  return `${String(firstIndex).padStart(16, '0')}.journal`;
}

function lastOf(segments: readonly Segment[]): Segment {
  const last = segments.at(-1);
  if (last === undefined) throw new Error('a journal always has a segment');
  return last;
}
