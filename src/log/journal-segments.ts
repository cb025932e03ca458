/** The segments of a journal: files of frames, each named by the index of its first entry. */

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LogDamageError } from './damage.js';

/** A segment that is no longer written to. */
export interface FinishedSegment {
  readonly firstIndex: number;
  readonly sizeBytes: number;
}

/** One journal segment as it lies on disk; `sizeBytes` is null for the one that is being written. */
export interface Segment {
  readonly path: string;
  readonly firstIndex: number;
  sizeBytes: number | null;
}

const segmentName = /^\d{16}\.journal$/;

export async function listSegments(directory: string): Promise<Segment[]> {
  const names = (await readdir(directory)).filter((name) => segmentName.test(name)).sort();
  return names.map((name) => ({
    path: join(directory, name),
    firstIndex: Number.parseInt(name, 10),
    sizeBytes: null,
  }));
}

/** Segments that had ended are there, with the size that they had. What is in them is checked when it is read. */
export async function checkFinished(
  segments: readonly Segment[],
  finished: readonly FinishedSegment[],
  directory: string,
): Promise<void> {
  for (const [position, expected] of finished.entries()) {
    const segment = segments[position];
    const isThere =
      segment?.firstIndex === expected.firstIndex && (await stat(segment.path)).size === expected.sizeBytes;
    if (!isThere) throw damagedError(join(directory, nameOf(expected.firstIndex)));
    segment.sizeBytes = expected.sizeBytes;
  }
}

export function damagedError(path: string): LogDamageError {
  return new LogDamageError(`the journal segment ${path} is damaged or missing; restore the state directory`);
}

export function nameOf(firstIndex: number): string {
  return `${String(firstIndex).padStart(16, '0')}.journal`;
}

export function lastOf(segments: readonly Segment[]): Segment {
  const last = segments.at(-1);
  if (last === undefined) throw new Error('a journal always has a segment');
  return last;
}

/** The segment that holds an entry. */
export function segmentOf(segments: readonly Segment[], index: number): Segment {
  let low = 0;
  let high = segments.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((segments[middle]?.firstIndex ?? 0) <= index) low = middle;
    else high = middle - 1;
  }
  const segment = segments[low];
  if (segment === undefined) throw new Error('a journal always has a segment');
  return segment;
}
