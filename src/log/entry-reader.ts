/** Reads entries back from the journal, each proven to be the one in the tree before anybody sees it. */

import { type ArtifactId, artifactIdOf } from '../format/artifact-id.js';
import { equalBytes } from '../format/bytes.js';
import { decodeEntry, type EntryKind, encodeEntry, entryOf } from '../format/entry.js';
import { leafHash } from '../merkle/tree.js';
import { LogDamageError } from './damage.js';
import type { Journal } from './journal.js';
import type { PayloadType } from './journal-frame.js';
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
  const frame = await journal.read(index);
  // First the leaf: what is in the tree decodes, and only then does its digest say anything about the payload.
  if (!equalBytes(leafHash(frame.leaf), tree.subtree(0, index))) throw changed(index);
  const { kind, digests } = decodeEntry(frame.leaf);
  const expected = encodeEntry(entryOf(kind, frame.payloadType, frame.payload));
  if (!equalBytes(expected, frame.leaf)) throw changed(index);
  return { ...frame, index, id: artifactIdOf(digests), kind };
}

function changed(index: number): LogDamageError {
  return new LogDamageError(`log entry ${index} is not the one that was sealed`);
}
