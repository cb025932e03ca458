/** What the daemon's thread and the index's own thread say to each other: plain data, one reply for each request. */

import type { ArtifactId } from '../format/artifact-id.js';
import type { EntryKind } from '../format/entry.js';
import type { LoggedFrames } from '../log/entry-reader.js';
import type { ChildEntry, IndexPosition, KindedEntry } from './index-connections.js';
import type { IndexFault } from './index-fault.js';

export type IndexRequest =
  | { readonly request: 'open'; readonly path: string }
  /** Throw every row away and begin at position 0. */
  | { readonly request: 'reset' }
  | {
      readonly request: 'append';
      /** Proven by the index's thread: digesting is too much work for the daemon's. */
      readonly entries: LoggedFrames;
      /** The position that the entries continue. */
      readonly from: number;
      readonly to: IndexPosition;
    }
  | { readonly request: 'find'; readonly id: ArtifactId }
  | { readonly request: 'children'; readonly id: ArtifactId }
  | { readonly request: 'about'; readonly idx: number }
  | {
      readonly request: 'newestBefore';
      readonly kind: EntryKind;
      readonly idx: number;
      readonly subject: string | null;
    }
  | { readonly request: 'close' };

export type IndexReply =
  | { readonly reply: 'opened'; readonly position: IndexPosition; readonly discarded: string | null }
  | { readonly reply: 'done' }
  | { readonly reply: 'found'; readonly idx: number | null }
  | { readonly reply: 'children'; readonly children: readonly ChildEntry[] }
  | { readonly reply: 'about'; readonly entries: readonly KindedEntry[] }
  /** Nothing was changed. After `unusable` the file is gone, and the next opening makes it again. */
  | { readonly reply: 'failed'; readonly fault: IndexFault; readonly message: string };

/** Replies come in the order of the requests; the number tells which is which all the same. */
export interface NumberedRequest {
  readonly number: number;
  readonly request: IndexRequest;
}

export interface NumberedReply {
  readonly number: number;
  readonly reply: IndexReply;
}
