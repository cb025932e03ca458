/**
 * Group commit: entries become durable in batches while the key is busy, and each checkpoint signature covers every
 * entry that is durable when the key comes free. Two loops feed each other, with no timer to tune between them:
 *
 *   write loop   waiting entries and signed notes -> journal, fdatasync -> tree
 *   seal loop    tree -> checkpoint signature -> note to the write loop -> proofs released
 *
 * A note is in the journal before any proof under it is released, so a killed process restarts knowing every seal that
 * anybody saw.
 */

import { formatCheckpoint } from '../format/checkpoint.js';
import { denial } from '../format/denial.js';
import { formatNote, type VerifierKey } from '../format/note.js';
import { leafHash } from '../merkle/tree.js';
import {
  type Durable,
  digestBatch,
  framesOf,
  takeBatch,
  type Waiting,
  type Written,
} from './commit-batch.js';
import { type Journal, JournalWriteError } from './journal.js';
import type { Frame } from './journal-frame.js';
import { PayloadSlabs } from './payload-slabs.js';
import { ProofTexts } from './proof-texts.js';
import type {
  AbandonedGrant,
  CheckpointSigner,
  DurableEntry,
  EncodedSubmission,
  SealLimits,
  SealResult,
  Submission,
  Unsealed,
} from './seal.js';
import type { TileTree } from './tile-tree.js';

/** A signed tree head in force: its size, root, and note. */
export interface Seal {
  readonly size: number;
  readonly root: Uint8Array;
  readonly note: string;
}

export interface SealerParts {
  readonly journal: Journal;
  readonly tree: TileTree;
  readonly signer: CheckpointSigner;
  readonly key: VerifierKey;
  readonly limits: SealLimits;
  /** Milliseconds on a clock that never steps. */
  readonly monotonicMs: () => number;
  /** Makes the revocation of an abandoned grant. */
  readonly revocationOf: (grant: AbandonedGrant) => Submission;
  /** Called for each entry once it is durable and its index final. */
  readonly onDurable: (entry: DurableEntry) => void;
  /** Called for each seal in force. */
  readonly onSeal: (seal: Seal) => void;
  /** Sealing has become impossible, for this reason, or possible again (null). */
  readonly onTrouble: (trouble: Unsealed['denial'] | null) => void;
  /** Durability or history is in doubt: the process must end. Must not return to normal work. */
  readonly onFatal: (cause: Error) => void;
}

interface PendingNote {
  readonly seal: Seal;
  readonly settle: (outcome: 'written' | 'failed') => void;
}

/** How much more may wait where restrictions are concerned. */
const restrictionRoom = 4;
/** Pause before a write or signature that failed is tried again. */
const retryMs = 100;
/** How often deadlines are looked at. */
const deadlineTickMs = 25;

export class Sealer {
  readonly #parts: SealerParts;
  #seal: Seal | null;
  /** Not yet written, being written, and durable without a seal: an entry moves through the three in this order. */
  #queue: Waiting[] = [];
  #writing: readonly Written[] = [];
  #unsealed: Durable[] = [];
  #pendingNote: PendingNote | null = null;
  readonly #slabs = new PayloadSlabs();
  #waitingBytes = 0;
  /** Revocations that are owed: of abandoned grants, and those that were answered. While one is not durable, no seal comes into force. */
  #unrevoked = 0;
  /** Grants abandoned so far: a signature that was asked for before the newest of them is never used. */
  #abandonedGrants = 0;
  #trouble: Unsealed['denial'] | null = null;
  #writeLoopRuns = false;
  #sealLoopRuns = false;
  #closed = false;
  /** Whatever still waits stays as it is: the next start revokes it. */
  #stopped = false;
  #deadlines: NodeJS.Timeout | null = null;
  #onIdle: (() => void) | null = null;

  /** `abandoned`: grants that an earlier run left unsealed; they are revoked before this run's first seal. */
  constructor(parts: SealerParts, lastSeal: Seal | null, abandoned: readonly AbandonedGrant[]) {
    this.#parts = parts;
    this.#seal = lastSeal;
    for (const grant of abandoned) this.#oweRevocation(grant);
    this.#kickSealer();
  }

  /** The newest seal in force. */
  get seal(): Seal | null {
    return this.#seal;
  }

  /** Why nothing can be sealed just now; null while all is well. */
  get trouble(): Unsealed['denial'] | null {
    return this.#trouble;
  }

  /** How many entries wait for their seal. */
  get waitingEntries(): number {
    return this.#queue.length + this.#writing.length + this.#unsealed.length;
  }

  /** Appends a payload. The promise settles once it is sealed, or certain never to be used. It never rejects. */
  append(submission: Submission): Promise<SealResult> {
    const refusal = this.#refusal(submission);
    if (refusal !== null) return Promise.resolve({ outcome: 'unsealed', denial: refusal });
    return new Promise((settle) => {
      this.#enqueue(submission, settle);
    });
  }

  /** Refuses new entries, seals what waits, and returns when that is done or every waiting entry met its deadline. */
  async close(): Promise<void> {
    this.#closed = true;
    await new Promise<void>((resolve) => {
      const patience = setTimeout(resolve, this.#parts.limits.sealTimeoutMs + 2 * deadlineTickMs);
      this.#onIdle = () => {
        clearTimeout(patience);
        resolve();
      };
      this.#noteIdle();
    });
    this.#stopped = true;
    if (this.#deadlines !== null) clearInterval(this.#deadlines);
  }

  #refusal(submission: Submission): Unsealed['denial'] | null {
    if (this.#closed)
      return denial('LOG_UNAVAILABLE', 'the daemon is shutting down', 'Ask again once it has started.');
    const restricts = submission.effect === 'restriction';
    if (this.#trouble !== null && !restricts) return this.#trouble;
    const { maxWaitingEntries, maxWaitingBytes } = this.#parts.limits;
    // A payload has at least as many bytes as characters, and is bounded by itself.
    const bytes = submission.payload.length + submission.attachment.length;
    // What takes something away finds room where what gives something does not.
    const room = restricts ? restrictionRoom : 1;
    const full =
      this.waitingEntries >= room * maxWaitingEntries || this.#waitingBytes + bytes > room * maxWaitingBytes;
    return full ? denial('OVERLOADED', 'too many requests wait for their seal') : null;
  }

  #setTrouble(trouble: Unsealed['denial'] | null): void {
    const news = trouble?.message !== this.#trouble?.message;
    this.#trouble = trouble;
    if (news) this.#parts.onTrouble(trouble);
  }

  #enqueue(submission: Submission, settle: Waiting['settle']): void {
    const { sealTimeoutMs } = this.#parts.limits;
    const deadlineMs = settle === null ? Number.POSITIVE_INFINITY : this.#parts.monotonicMs() + sealTimeoutMs;
    const { kind, payloadType, record, attachment, effect } = submission;
    const { pae, payload } = this.#slabs.encode(payloadType, submission.payload);
    const encoded = { kind, payloadType, pae, payload, record, attachment, effect };
    this.#waitingBytes += settle === null ? 0 : sizeOf(encoded);
    this.#queue.push({ submission: encoded, deadlineMs, settle, state: 'pending' });
    this.#deadlines ??= setInterval(() => this.#abandonLate(), deadlineTickMs);
    this.#kickWriter();
  }

  #kickWriter(): void {
    if (this.#writeLoopRuns) return;
    this.#writeLoopRuns = true;
    // Deferred, so that everything that arrives in this turn of the event loop shares one batch.
    setImmediate(() => {
      this.#run(this.#writeLoop(), () => {
        this.#writeLoopRuns = false;
        if (this.#hasWrites()) this.#kickWriter();
      });
    });
  }

  #kickSealer(): void {
    if (this.#sealLoopRuns || !this.#mustSeal()) return;
    this.#sealLoopRuns = true;
    this.#run(this.#sealLoop(), () => {
      this.#sealLoopRuns = false;
      this.#kickSealer();
    });
  }

  #run(loop: Promise<void>, ended: () => void): void {
    const finish = () => {
      ended();
      this.#noteIdle();
    };
    loop.then(finish, (cause: unknown) => {
      this.#parts.onFatal(cause instanceof Error ? cause : new Error(String(cause)));
    });
  }

  #hasWrites(): boolean {
    return !this.#stopped && (this.#queue.length > 0 || this.#pendingNote !== null);
  }

  #mustSeal(): boolean {
    const isBehind = this.#parts.tree.size > (this.#seal?.size ?? 0);
    return !this.#stopped && this.#unrevoked === 0 && isBehind;
  }

  #noteIdle(): void {
    if (this.waitingEntries > 0 || this.#writeLoopRuns || this.#sealLoopRuns) return;
    if (this.#deadlines !== null) clearInterval(this.#deadlines);
    this.#deadlines = null;
    this.#onIdle?.();
  }

  async #writeLoop(): Promise<void> {
    while (this.#hasWrites()) {
      const note = this.#pendingNote;
      const batch = digestBatch(takeBatch(this.#queue));
      this.#pendingNote = null;
      this.#writing = batch;
      const written = await this.#appendFrames(framesOf(note?.seal.note ?? null, batch));
      note?.settle(written ? 'written' : 'failed');
      if (!written) {
        this.#writing = [];
        await this.#refuseBatch(batch);
      } else if (batch.length > 0) {
        await this.#parts.journal.sync();
        this.#writing = [];
        if (this.#trouble?.code === 'LOG_UNAVAILABLE') this.#setTrouble(null);
        this.#becomeDurable(batch);
      }
    }
  }

  async #appendFrames(frames: readonly Frame[]): Promise<boolean> {
    try {
      await this.#parts.journal.append(frames);
      return true;
    } catch (cause) {
      if (!(cause instanceof JournalWriteError)) throw cause;
      this.#setTrouble(denial('LOG_UNAVAILABLE', cause.message));
      return false;
    }
  }

  /** Nothing of the batch is in the journal, so nothing was given; what the log must say all the same is said later. */
  async #refuseBatch(batch: readonly Written[]): Promise<void> {
    const reason = this.#trouble ?? denial('LOG_UNAVAILABLE', 'the journal cannot be written');
    // An abandoned entry was answered when it missed its deadline.
    const refused = batch.map(({ waiting }) => waiting);
    for (const waiting of refused.filter(({ state }) => state !== 'abandoned')) this.#refuse(waiting, reason);
    const owed = refused.flatMap((waiting) => (waiting.settle === null ? [waiting] : this.#owed(waiting)));
    this.#queue.unshift(...owed);
    await pause(retryMs);
    // Only a new attempt can tell whether the trouble is over; what is owed is one by itself.
    if (this.#trouble === reason && owed.length === 0) this.#setTrouble(null);
  }

  #becomeDurable(batch: readonly Written[]): void {
    for (const { waiting, id, leaf } of batch) {
      const index = this.#parts.tree.size;
      const durable = { waiting, id, leaf, index };
      this.#parts.tree.append(leafHash(leaf));
      this.#parts.onDurable({ index, id, leaf, submission: waiting.submission });
      if (waiting.settle === null) this.#unrevoked--;
      if (waiting.state === 'abandoned') this.#abandon(durable);
      else this.#unsealed.push(durable);
    }
    this.#kickSealer();
  }

  async #sealLoop(): Promise<void> {
    while (this.#mustSeal()) {
      const outcome = await this.#sealOnce();
      if (outcome === 'failed') await pause(retryMs);
    }
  }

  async #sealOnce(): Promise<'sealed' | 'discarded' | 'failed'> {
    const { tree, signer, key } = this.#parts;
    const size = tree.size;
    const checkpoint = { origin: key.name, size, root: tree.root(size) };
    const abandonedBefore = this.#abandonedGrants;
    const reply = await signer.signCheckpoint(checkpoint);
    if (reply.outcome === 'refused') {
      throw new Error(`the signer refuses the tree head of size ${size}: ${reply.reason}`);
    }
    if (reply.outcome === 'unavailable') {
      this.#setTrouble(reply.denial);
      return 'failed';
    }
    // The first seal over a grant abandoned meanwhile must cover its revocation too, even if that is durable by now.
    if (this.#abandonedGrants > abandonedBefore) return 'discarded';
    const signature = { name: key.name, keyId: key.keyId, signature: reply.signature };
    const seal = { size, root: checkpoint.root, note: formatNote(formatCheckpoint(checkpoint), [signature]) };
    return this.#putInForce(seal);
  }

  async #putInForce(seal: Seal): Promise<'sealed' | 'failed'> {
    const covered = this.#unsealed.filter(({ index }) => index < seal.size);
    for (const { waiting } of covered) waiting.state = 'sealing';
    const outcome = await new Promise<'written' | 'failed'>((settle) => {
      this.#pendingNote = { seal, settle };
      this.#kickWriter();
    });
    if (outcome === 'failed') {
      for (const { waiting } of covered) waiting.state = 'pending';
      return 'failed';
    }
    this.#setTrouble(null);
    this.#seal = seal;
    this.#unsealed = this.#unsealed.filter(({ waiting }) => waiting.state !== 'sealing');
    this.#parts.onSeal(seal);
    this.#release(covered, seal);
    return 'sealed';
  }

  #release(covered: readonly Durable[], seal: Seal): void {
    const proofs = new ProofTexts(seal.size, seal.note, this.#parts.tree.subtree);
    for (const { waiting, id, index } of covered) {
      if (waiting.settle === null) continue;
      const { payload } = waiting.submission;
      this.#settle(waiting, { outcome: 'sealed', id, index, payload, proof: proofs.textOf(index) });
    }
  }

  #settle(waiting: Waiting, result: SealResult): void {
    if (waiting.settle === null) return;
    this.#waitingBytes -= sizeOf(waiting.submission);
    waiting.settle(result);
  }

  #abandonLate(): void {
    const nowMs = this.#parts.monotonicMs();
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
      this.#refuse(waiting, this.#trouble ?? slowDisk);
    }
    for (const durable of inJournal) {
      this.#refuse(durable.waiting, this.#trouble ?? slowToken);
      this.#abandon(durable);
    }
    this.#noteIdle();
  }

  /** Answers that there is no seal. A restriction is logged all the same: it is owed, or in the journal already. */
  #refuse(waiting: Waiting, reason: Unsealed['denial']): void {
    const owed = waiting.submission.effect === 'restriction';
    this.#settle(waiting, { outcome: 'unsealed', denial: reason, owed });
  }

  /**
   * What becomes of an entry that was answered and is not written. A restriction is owed: it counts already, so it must be
   * durable before any further seal comes into force. Anything else is over.
   */
  #owed({ submission }: Waiting): Waiting[] {
    if (submission.effect !== 'restriction') return [];
    this.#unrevoked++;
    return [{ submission, deadlineMs: Number.POSITIVE_INFINITY, settle: null, state: 'pending' }];
  }

  /** An entry that is durable, but whose submitter was told that it is not granted. */
  #abandon({ id, index, waiting: { submission } }: Durable): void {
    if (submission.effect === 'grant') this.#oweRevocation({ id, index, kind: submission.kind });
  }

  #oweRevocation(grant: AbandonedGrant): void {
    this.#unrevoked++;
    this.#abandonedGrants++;
    this.#enqueue(this.#parts.revocationOf(grant), null);
  }
}

function sizeOf({ payload, attachment }: Pick<EncodedSubmission, 'payload' | 'attachment'>): number {
  return payload.length + attachment.length;
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
