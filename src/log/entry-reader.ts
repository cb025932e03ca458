/** Reads entries back from the journal, each proven to be the one in the tree before anybody sees it. */

import { type ArtifactId, artifactIdOf } from '../format/artifact-id.js';
import { equalBytes } from '../format/bytes.js';
import { decodeEntry, type EntryKind, encodeEntry, entryOf } from '../format/entry.js';
import { leafHash } from '../merkle/tree.js';
import { LogDamageError } from './damage.js';
import type { Journal } from './journal.js';
import { type EntryFrame, type PayloadType, readFrame } from './journal-frame.js';
import type { TileTree } from './tile-tree.js';

/** An entry read back and proven to be the one in the tree. */
export interface LogEntry {
  readonly index: number;
  readonly id: ArtifactId;
  readonly kind: EntryKind;
  readonly leaf: Uint8Array;
  readonly payloadType: PayloadType;
  readonly payload: Uint8Array;
  readonly attachment: Uint8Array;
}

/** Reads the entry at `index`. Throws RangeError beyond the log, LogDamageError for an entry that was changed. */
export async function readEntry(
  { journal, tree }: { readonly journal: Journal; readonly tree: TileTree },
  index: number,
): Promise<LogEntry> {
  return provenEntry(await journal.read(index), index, tree.subtree(0, index));
}

/** Entries as they lie in the journal, not yet proven: plain data, which may go to another thread. */
export interface LoggedFrames {
  readonly first: number;
  readonly count: number;
  readonly frames: Uint8Array;
  /** The hash of each entry's leaf as the tree has it, 32 bytes each. */
  readonly hashes: Uint8Array;
}

export const hashBytes = 32;

/** Reads the entries and proves each of them. Throws LogDamageError for one that was changed. */
export function provenEntries({ first, count, frames, hashes }: LoggedFrames): LogEntry[] {
  const entries: LogEntry[] = [];
  for (let offset = 0; entries.length < count; ) {
    const index = first + entries.length;
    const reading = readFrame(frames, offset);
    if (reading.reading === 'torn') throw changed(index);
    offset = reading.nextOffset;
    if (reading.frame.frame !== 'entry') continue;
    const hash = hashes.subarray(entries.length * hashBytes, (entries.length + 1) * hashBytes);
    entries.push(provenEntry(reading.frame, index, hash));
  }
  return entries;
}

function provenEntry(frame: EntryFrame, index: number, hash: Uint8Array): LogEntry {
  // First the leaf: what is in the tree decodes, and only then does its digest say anything about the payload.
  if (!equalBytes(leafHash(frame.leaf), hash)) throw changed(index);
  const { kind, digests } = decodeEntry(frame.leaf);
  const expected = encodeEntry(entryOf(kind, frame.payloadType, frame.payload));
  if (!equalBytes(expected, frame.leaf)) throw changed(index);
  return { ...frame, index, id: artifactIdOf(digests), kind };
}

function changed(index: number): LogDamageError {
  return new LogDamageError(`log entry ${index} is not the one that was sealed`);
}
