/** Reads a journal without touching it: for checks beside a running daemon, which alone may open it for writing. */

import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Frame, readFrame } from './journal-frame.js';

/** One frame with its place, or the bytes at the very end that are no whole frame (yet). */
export type JournalItem =
  | { readonly item: 'frame'; readonly frame: Frame; readonly segment: string; readonly offset: number }
  | { readonly item: 'rest'; readonly segment: string; readonly offset: number; readonly sizeBytes: number };

const segmentName = /^\d{16}\.journal$/;
const chunkBytes = 4 << 20;

/** Every frame of every segment, oldest first; a `rest` ends a segment that does not end with a whole frame. */
export async function* readJournal(directory: string): AsyncGenerator<JournalItem> {
  for (const name of await segmentNames(directory)) yield* readSegment(directory, name);
}

/** Names of the segments, oldest first. Rejects with the system's error. */
export async function segmentNames(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => segmentName.test(name)).sort();
}

/** Index of the entry that a segment begins with. */
export function firstIndexOf(segment: string): number {
  return Number.parseInt(segment, 10);
}

/** As `readJournal`, of one segment. */
export async function* readSegment(directory: string, segment: string): AsyncGenerator<JournalItem> {
  const file = await open(join(directory, segment), 'r');
  try {
    let bytes: Uint8Array = new Uint8Array();
    let start = 0;
    for (;;) {
      const chunk = Buffer.alloc(chunkBytes);
      const { bytesRead } = await file.read(chunk, 0, chunk.length, start + bytes.length);
      bytes = Buffer.concat([bytes, chunk.subarray(0, bytesRead)]);
      let offset = 0;
      for (
        let reading = readFrame(bytes, 0);
        reading.reading === 'frame';
        reading = readFrame(bytes, offset)
      ) {
        yield { item: 'frame', frame: reading.frame, segment, offset: start + offset };
        offset = reading.nextOffset;
      }
      start += offset;
      bytes = bytes.subarray(offset);
      if (bytesRead === 0) break;
    }
    if (bytes.length > 0) yield { item: 'rest', segment, offset: start, sizeBytes: bytes.length };
  } finally {
    await file.close();
  }
}
