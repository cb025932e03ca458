/** What the group commit carries: payloads on their way, and the batches that they are written in. */

import { type ArtifactId, artifactIdOf } from '../format/artifact-id.js';
import { encodeEntry } from '../format/entry.js';
import { evidenceDigestsBatch } from '../hash/evidence.js';
import type { Frame } from './journal-frame.js';
import type { EncodedSubmission, SealResult } from './seal.js';

/** A payload on its way. `settle` is null for entries of the log itself, which wait without a deadline. */
export interface Waiting {
  readonly submission: EncodedSubmission;
  readonly deadlineMs: number;
  readonly settle: ((result: SealResult) => void) | null;
  state: 'pending' | 'sealing' | 'abandoned';
}

/** What a payload becomes when its batch is written. */
export interface Written {
  readonly waiting: Waiting;
  readonly id: ArtifactId;
  readonly leaf: Uint8Array;
}

/** An entry that is durable and waits for its seal. */
export interface Durable extends Written {
  readonly index: number;
}

/** At most so much is digested in one go, and synced at once: some milliseconds of work. */
const maxBatchBytes = 2 << 20;

/** Takes what is first in the queue, as much as can be digested without holding up the event loop for long. */
export function takeBatch(queue: Waiting[]): Waiting[] {
  let bytes = 0;
  const end = queue.findIndex(({ submission }) => {
    bytes += submission.pae.length;
    return bytes > maxBatchBytes;
  });
  return queue.splice(0, end === -1 ? queue.length : Math.max(1, end));
}

/** Digests a batch in one call: each payload costs less among many. */
export function digestBatch(batch: readonly Waiting[]): Written[] {
  const digests = evidenceDigestsBatch(batch.map(({ submission }) => submission.pae));
  const written: Written[] = [];
  for (const [position, waiting] of batch.entries()) {
    const own = digests[position];
    if (own === undefined) throw new Error('a payload of the batch was not digested');
    const leaf = encodeEntry({ kind: waiting.submission.kind, digests: own });
    written.push({ waiting, id: artifactIdOf(own), leaf });
  }
  return written;
}

/** The journal's frames of a batch: a signed note first, where there is one. */
export function framesOf(note: string | null, batch: readonly Written[]): Frame[] {
  const entries = batch.map(({ leaf, waiting: { submission } }): Frame => {
    const { payloadType, payload, attachment } = submission;
    return { frame: 'entry', leaf, payloadType, payload, attachment };
  });
  return note === null ? entries : [{ frame: 'checkpoint', note }, ...entries];
}
