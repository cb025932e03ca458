/** Finds frames in the segments of a journal: all of them from a place on, or that of one entry. */

import { type FileHandle, open } from 'node:fs/promises';
import { type EntryFrame, type Frame, maxFrameBytes, peekFrame, readFrame } from './journal-frame.js';
import type { Anchor, JournalPositions } from './journal-positions.js';
import { damagedError, lastOf, type Segment, segmentOf } from './journal-segments.js';

/** Where and how a journal stops being readable. */
export interface JournalDamage {
  readonly segment: string;
  readonly offset: number;
  readonly sizeBytes: number;
  /** Whole checkpoints that were found behind the damage: then it is no torn write but a loss. */
  readonly checkpointsBehind: readonly string[];
}

/** Is given each frame as a view, which the next call overwrites, and the index of the entry, or of the next one. */
export type Visit = (frame: Frame, index: number) => void;

const readChunkBytes = 4 << 20;
/** Read at once when an older entry is looked for. */
const searchBytes = 256 << 10;

/** Visits everything behind the entries that have a position already, and notes the positions of the others. */
export async function scanSegments(
  segments: readonly Segment[],
  positions: JournalPositions,
  visit: Visit,
): Promise<{ readonly damage: JournalDamage | null; readonly endOffset: number }> {
  const begin = positions.size === 0 ? null : await endOfEntry(segments, positions, positions.size - 1);
  const first = begin === null ? 0 : segments.indexOf(begin.segment);
  const chunk = Buffer.allocUnsafeSlow(readChunkBytes);
  let scan: SegmentScan = { damage: null, endOffset: 0 };
  for (const segment of segments.slice(first)) {
    const isFirst = segment === begin?.segment;
    if (scan.damage !== null || (!isFirst && segment.firstIndex !== positions.size))
      throw damagedError(segment.path);
    scan = await scanSegment(segment, isFirst ? begin.offset : 0, positions, visit, chunk);
    if (segment !== lastOf(segments)) segment.sizeBytes = scan.endOffset;
  }
  return scan;
}

interface SegmentScan {
  readonly damage: JournalDamage | null;
  readonly endOffset: number;
}

async function scanSegment(
  segment: Segment,
  startOffset: number,
  positions: JournalPositions,
  visit: Visit,
  chunk: Buffer,
): Promise<SegmentScan> {
  const file = await open(segment.path, 'a+', 0o600);
  try {
    const { size } = await file.stat();
    let offset = startOffset;
    while (offset < size) {
      const { bytesRead } = await file.read(chunk, 0, Math.min(chunk.length, size - offset), offset);
      const consumed = scanChunk(chunk.subarray(0, bytesRead), offset, positions, visit);
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
function scanChunk(chunk: Uint8Array, baseOffset: number, positions: JournalPositions, visit: Visit): number {
  let offset = 0;
  for (let reading = readFrame(chunk, 0); reading.reading === 'frame'; reading = readFrame(chunk, offset)) {
    const index = positions.size;
    if (reading.frame.frame === 'entry') positions.add(baseOffset + offset);
    visit(reading.frame, index);
    offset = reading.nextOffset;
  }
  return offset;
}

/** Where the frame of an entry that has a position ends. Throws LogDamageError when it is not there. */
async function endOfEntry(
  segments: readonly Segment[],
  positions: JournalPositions,
  index: number,
): Promise<{ readonly segment: Segment; readonly offset: number }> {
  const segment = segmentOf(segments, index);
  const file = await open(segment.path, 'r');
  try {
    const found = await findEntry(file, segment, index, positions.before(index), null);
    if (found === null) throw damagedError(segment.path);
    return { segment, offset: found.endOffset };
  } finally {
    await file.close();
  }
}

/**
 * Steps from a known place to an entry behind it and reads that; null where there is no such frame. Beyond `endOffset`
 * nothing of it lies.
 */
export async function findEntry(
  file: FileHandle,
  segment: Segment,
  index: number,
  known: Anchor,
  endOffset: number | null,
): Promise<{ readonly frame: EntryFrame; readonly endOffset: number } | null> {
  // Where the known place is in an earlier segment, this one begins closer to the entry.
  const from = known.index < segment.firstIndex ? { index: segment.firstIndex, offset: 0 } : known;
  let { index: next, offset } = from;
  let sizeBytes = Math.min(searchBytes, endOffset === null ? searchBytes : endOffset - offset);
  for (;;) {
    const bytes = await readBytes(file, offset, sizeBytes);
    let at = 0;
    for (let frame = peekFrame(bytes, 0); ; frame = peekFrame(bytes, at)) {
      if (frame === null) break;
      if (frame.isEntry && next === index) return wholeEntry(file, bytes, offset, at, frame.nextOffset);
      if (frame.isEntry) next++;
      at = frame.nextOffset;
      if (at >= bytes.length) break;
    }
    if (at === 0) return null;
    offset += at;
    sizeBytes = searchBytes;
  }
}

/** Consecutive frames as they lie in a segment; a view of memory that nobody else has. */
export interface RawFrames {
  readonly bytes: Uint8Array;
  /** Index behind the last entry among them. */
  readonly end: number;
}

/**
 * Reads the frames from entry `from` on, as many as fit a quarter of a megabyte, but at least that one and at most up to
 * entry `to`. None of them is checked. Null where there is no such frame before `endOffset`, or the file ends earlier.
 */
export async function findFrames(
  file: FileHandle,
  segment: Segment,
  [from, to]: readonly [number, number],
  known: Anchor,
  endOffset: number,
): Promise<RawFrames | null> {
  let { index, offset } = known.index < segment.firstIndex ? { index: segment.firstIndex, offset: 0 } : known;
  let neededBytes = searchBytes;
  for (;;) {
    const wantedBytes = Math.min(neededBytes, endOffset - offset);
    const bytes = await readBytes(file, offset, wantedBytes);
    let start: number | null = null;
    let at = 0;
    let frame = peekFrame(bytes, 0);
    while (frame !== null && frame.nextOffset <= bytes.length && index < to) {
      if (frame.isEntry && index === from) start = at;
      if (frame.isEntry) index++;
      at = frame.nextOffset;
      frame = peekFrame(bytes, at);
    }
    if (start !== null) return { bytes: bytes.subarray(start, at), end: index };
    // The file ends before it should, or nothing that is there can be the frame.
    if (bytes.length < wantedBytes || index >= to) return null;
    if (at === 0 && (frame === null || frame.nextOffset > endOffset - offset)) return null;
    // Not there yet, or the frame is longer than what was read: each round steps on or reads more than the last.
    neededBytes = Math.max(searchBytes, frame === null || at > 0 ? 0 : frame.nextOffset);
    offset += at;
  }
}

/** Reads what the bytes at hand lack of a frame. */
async function wholeEntry(
  file: FileHandle,
  bytes: Buffer,
  offset: number,
  at: number,
  end: number,
): Promise<{ readonly frame: EntryFrame; readonly endOffset: number } | null> {
  const whole = end <= bytes.length ? bytes.subarray(at, end) : await readBytes(file, offset + at, end - at);
  const reading = readFrame(whole, 0);
  if (reading.reading === 'torn' || reading.frame.frame !== 'entry') return null;
  return { frame: reading.frame, endOffset: offset + end };
}

/** Up to `sizeBytes` from `offset`; fewer at the end of the file. */
async function readBytes(file: FileHandle, offset: number, sizeBytes: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(Math.min(Math.max(sizeBytes, 0), maxFrameBytes));
  const { bytesRead } = await file.read(bytes, 0, bytes.length, offset);
  return bytes.subarray(0, bytesRead);
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
