/**
 * What is on its way to its seal. An entry is queued, being written, and durable without a seal, in this order; whoever
 * waits for it is answered once. Here stands also what the log owes: the revocation of each grant that was answered as
 * denied, and each restriction that was answered before it was durable. While any is owed, no seal comes into force.
 */

import { denial } from '../format/denial.js';
import { type Durable, digestBatch, takeBatch, type Waiting, type Written } from './commit-batch.js';
import { PayloadSlabs } from './payload-slabs.js';
import type {
  AbandonedGrant,
  EncodedSubmission,
  SealLimits,
  SealResult,
  Submission,
  Unsealed,
} from './seal.js';

/** How much more may wait where restrictions are concerned. */
const restrictionRoom = 4;

export class Backlog {
  readonly #limits: SealLimits;
  readonly #revocationOf: (grant: AbandonedGrant) => Submission;
  readonly #slabs = new PayloadSlabs();
  #queue: Waiting[] = [];
  #writing: readonly Written[] = [];
  #unsealed: Durable[] = [];
  #waitingBytes = 0;
  #owedEntries = 0;
  #abandonedGrants = 0;

  /** `revocationOf` makes the revocation of an abandoned grant. */
  constructor(limits: SealLimits, revocationOf: (grant: AbandonedGrant) => Submission) {
    this.#limits = limits;
    this.#revocationOf = revocationOf;
  }

  /** How many entries wait for their seal. */
  get entries(): number {
    return this.#queue.length + this.#writing.length + this.#unsealed.length;
  }

  /** Whether anything waits to be written. */
  get isQueued(): boolean {
    return this.#queue.length > 0;
  }

  /** Whether something that is owed is not durable yet. */
  get isOwing(): boolean {
    return this.#owedEntries > 0;
  }

  /** Grants abandoned so far: a signature that was asked for before the newest of them is never used. */
  get abandonedGrants(): number {
    return this.#abandonedGrants;
  }

  /** What takes something away finds room where what gives something does not. */
  hasRoomFor({ payload, attachment, effect }: Submission): boolean {
    const { maxWaitingEntries, maxWaitingBytes } = this.#limits;
    // A payload has at least as many bytes as characters, and is bounded by itself.
    const bytes = payload.length + attachment.length;
    const room = effect === 'restriction' ? restrictionRoom : 1;
    return this.entries < room * maxWaitingEntries && this.#waitingBytes + bytes <= room * maxWaitingBytes;
  }

  /** `settle` is called once, when the entry is sealed or never to be used; at `deadlineMs` at the latest if somebody looks. */
  add(submission: Submission, deadlineMs: number, settle: (result: SealResult) => void): void {
    const encoded = this.#encoded(submission);
    this.#waitingBytes += sizeOf(encoded);
    this.#queue.push({ submission: encoded, deadlineMs, settle, state: 'pending' });
  }

  /** The revocation of a grant that nobody was given: it must be durable before the next seal. */
  oweRevocation(grant: AbandonedGrant): void {
    this.#abandonedGrants++;
    this.#queue.push(this.#owe(this.#encoded(this.#revocationOf(grant))));
  }

  /** Takes what is written next, digested; it is being written until `endBatch` or `refuseBatch`. */
  startBatch(): readonly Written[] {
    this.#writing = digestBatch(takeBatch(this.#queue));
    return this.#writing;
  }

  /** The batch is durable; each of its entries is handed back through `awaitSeal`. */
  endBatch(): void {
    this.#writing = [];
  }

  /**
   * Nothing of the batch is in the journal, so nothing was given; what the log must say all the same is said later. Tells
   * whether there is any such thing.
   */
  refuseBatch(reason: Unsealed['denial']): 'owing' | 'refused' {
    const refused = this.#writing.map(({ waiting }) => waiting);
    this.#writing = [];
    // An abandoned entry was answered when it missed its deadline.
    for (const waiting of refused.filter(({ state }) => state !== 'abandoned')) this.#refuse(waiting, reason);
    const owed = refused.flatMap((waiting) => (waiting.settle === null ? [waiting] : this.#owed(waiting)));
    this.#queue.unshift(...owed);
    return owed.length > 0 ? 'owing' : 'refused';
  }

  /** An entry that is durable now. */
  awaitSeal(durable: Durable): void {
    if (durable.waiting.settle === null) this.#owedEntries--;
    if (durable.waiting.state === 'abandoned') this.#abandon(durable);
    else this.#unsealed.push(durable);
  }

  /** What a seal over the first `size` entries covers: nothing of it is abandoned until that seal is in force, or failed. */
  startSealing(size: number): readonly Durable[] {
    const covered = this.#unsealed.filter(({ index }) => index < size);
    for (const { waiting } of covered) waiting.state = 'sealing';
    return covered;
  }

  /** The seal did not come into force. */
  failSealing(covered: readonly Durable[]): void {
    for (const { waiting } of covered) waiting.state = 'pending';
  }

  /** The seal is in force; what it covers is now to be answered. */
  endSealing(): void {
    this.#unsealed = this.#unsealed.filter(({ waiting }) => waiting.state !== 'sealing');
  }

  /** Answers whoever waits for an entry. */
  settle(waiting: Waiting, result: SealResult): void {
    if (waiting.settle === null) return;
    this.#waitingBytes -= sizeOf(waiting.submission);
    waiting.settle(result);
  }

  /** Refuses what met its deadline, for the reason that nothing can be sealed just now, or else for where it stands. */
  abandonLate(nowMs: number, trouble: Unsealed['denial'] | null): void {
    const late = ({ state, deadlineMs }: Waiting) => state === 'pending' && deadlineMs <= nowMs;
    const inJournal = this.#unsealed.filter(({ waiting }) => late(waiting));
    const beingWritten = this.#writing.map(({ waiting }) => waiting).filter(late);
    const unwritten = this.#queue.filter(late);
    this.#queue = this.#queue.flatMap((waiting) => (late(waiting) ? this.#owed(waiting) : [waiting]));
    this.#unsealed = this.#unsealed.filter(({ waiting }) => !late(waiting));
    const slowDisk = denial('LOG_UNAVAILABLE', 'the disk did not make the entry durable in time');
    const slowToken = denial('HSM_UNAVAILABLE', 'the token did not sign a checkpoint in time');
    for (const waiting of [...beingWritten, ...unwritten]) {
      waiting.state = 'abandoned';
      this.#refuse(waiting, trouble ?? slowDisk);
    }
    for (const durable of inJournal) {
      this.#refuse(durable.waiting, trouble ?? slowToken);
      this.#abandon(durable);
    }
  }

  #encoded({ kind, payloadType, payload: text, record, attachment, effect }: Submission): EncodedSubmission {
    const { pae, payload } = this.#slabs.encode(payloadType, text);
    return { kind, payloadType, pae, payload, record, attachment, effect };
  }

  /** Answers that there is no seal. A restriction is logged all the same: it is owed, or in the journal already. */
  #refuse(waiting: Waiting, reason: Unsealed['denial']): void {
    const owed = waiting.submission.effect === 'restriction';
    this.settle(waiting, { outcome: 'unsealed', denial: reason, owed });
  }

  /**
   * What becomes of an entry that was answered and is not written. A restriction is owed: it counts already, so it must be
   * durable before any further seal comes into force. Anything else is over.
   */
  #owed({ submission }: Waiting): Waiting[] {
    return submission.effect === 'restriction' ? [this.#owe(submission)] : [];
  }

  #owe(submission: EncodedSubmission): Waiting {
    this.#owedEntries++;
    return { submission, deadlineMs: Number.POSITIVE_INFINITY, settle: null, state: 'pending' };
  }

  /** An entry that is durable, but whose submitter was told that it is not granted. */
  #abandon({ id, index, waiting: { submission } }: Durable): void {
    if (submission.effect === 'grant') this.oweRevocation({ id, index, kind: submission.kind });
  }
}

function sizeOf({ payload, attachment }: Pick<EncodedSubmission, 'payload' | 'attachment'>): number {
  return payload.length + attachment.length;
}
