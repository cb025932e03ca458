/** What the log promises to those who append to it, and what it asks of the key that signs its checkpoints. */

import type { ArtifactId } from '../format/artifact-id.js';
import type { Checkpoint } from '../format/checkpoint.js';
import type { Denial } from '../format/denial.js';
import type { EncodedPayload } from '../format/dsse.js';
import type { EntryKind } from '../format/entry.js';
import type { LogRecord } from '../format/record.js';
import type { PayloadType } from './journal-frame.js';

/**
 * Signs tree heads. Never asked for two at once. `refused` means that it will never sign this tree head: the log and
 * the signer disagree about history, and the process must stop.
 */
export interface CheckpointSigner {
  signCheckpoint(
    checkpoint: Checkpoint,
  ): Promise<
    | { readonly outcome: 'signed'; readonly signature: Uint8Array }
    | { readonly outcome: 'unavailable'; readonly denial: Denial<'HSM_UNAVAILABLE'> }
    | { readonly outcome: 'refused'; readonly reason: string }
  >;
}

/** A payload on its way into the log. */
export interface Submission {
  readonly kind: EntryKind;
  readonly payloadType: PayloadType;
  /** The payload, as canonical JSON. */
  readonly payload: string;
  /** What the payload says, where it is a record; null for a statement. */
  readonly record: LogRecord | null;
  /** Kept beside the payload, outside the leaf: the policy input of a decision. Empty where there is none. */
  readonly attachment: Uint8Array;
  /**
   * `grant`: gives somebody something, so if its seal misses the deadline it is revoked before the next seal.
   * `evidence`: gives nobody anything; a late seal is merely late.
   * `restriction`: takes something away. It becomes durable even while the token cannot seal it; while the disk cannot take
   * it, it stays in front of everything, and nothing is sealed before it.
   */
  readonly effect: 'grant' | 'evidence' | 'restriction';
}

/** A submission whose payload was made into bytes, with others in one piece of memory: not to be kept for long. */
export interface EncodedSubmission extends Omit<Submission, 'payload'>, EncodedPayload {}

/** An entry that just became durable: its index is final. */
export interface DurableEntry {
  readonly index: number;
  readonly id: ArtifactId;
  readonly leaf: Uint8Array;
  readonly submission: EncodedSubmission;
}

/** An entry that is durable and under a signed checkpoint that is in the journal too. */
export interface Sealed {
  readonly outcome: 'sealed';
  readonly id: ArtifactId;
  readonly index: number;
  /** The payload's bytes, in one piece of memory with others: not to be kept for long. */
  readonly payload: Uint8Array;
  /** Text of the tlog-proof: the artifact's signature. */
  readonly proof: string;
}

/** Nothing was granted: the entry is not in the log, or is revoked there before any seal covers it. */
export interface Unsealed {
  readonly outcome: 'unsealed';
  readonly denial: Denial<'HSM_UNAVAILABLE' | 'LOG_UNAVAILABLE' | 'OVERLOADED'>;
  /** It is logged all the same, before any further seal, unless the process ends first: only for restrictions. */
  readonly owed?: boolean;
}

export type SealResult = Sealed | Unsealed;

/** A grant whose seal missed its deadline: the log asks its owner for the revocation that must precede the next seal. */
export interface AbandonedGrant {
  readonly id: ArtifactId;
  readonly index: number;
  readonly kind: EntryKind;
}

export interface SealLimits {
  /** A grant that is not sealed this long after it was submitted is abandoned. */
  readonly sealTimeoutMs: number;
  readonly maxWaitingEntries: number;
  readonly maxWaitingBytes: number;
}
