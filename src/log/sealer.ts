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
import { Backlog } from './backlog.js';
import { type Durable, framesOf, type Written } from './commit-batch.js';
import { type Journal, JournalWriteError } from './journal.js';
import type { Frame } from './journal-frame.js';
import { ProofTexts } from './proof-texts.js';
import type {
  AbandonedGrant,
  CheckpointSigner,
  DurableEntry,
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

/** Pause before a write or signature that failed is tried again. */
const retryMs = 100;
/** How often deadlines are looked at. */
const deadlineTickMs = 25;

export class Sealer {
  readonly #parts: SealerParts;
  readonly #backlog: Backlog;
  #seal: Seal | null;
  #pendingNote: PendingNote | null = null;
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
    this.#backlog = new Backlog(parts.limits, parts.revocationOf);
    for (const grant of abandoned) this.#backlog.oweRevocation(grant);
    if (abandoned.length > 0) this.#wake();
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
    return this.#backlog.entries;
  }

  /** Appends a payload. The promise settles once it is sealed, or certain never to be used. It never rejects. */
  append(submission: Submission): Promise<SealResult> {
    const refusal = this.#refusal(submission);
    if (refusal !== null) return Promise.resolve({ outcome: 'unsealed', denial: refusal });
    const deadlineMs = this.#parts.monotonicMs() + this.#parts.limits.sealTimeoutMs;
    return new Promise((settle) => {
      this.#backlog.add(submission, deadlineMs, settle);
      this.#wake();
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
    if (this.#trouble !== null && submission.effect !== 'restriction') return this.#trouble;
    return this.#backlog.hasRoomFor(submission)
      ? null
      : denial('OVERLOADED', 'too many requests wait for their seal');
  }

  #setTrouble(trouble: Unsealed['denial'] | null): void {
    const news = trouble?.message !== this.#trouble?.message;
    this.#trouble = trouble;
    if (news) this.#parts.onTrouble(trouble);
  }

  /** Something new waits. */
  #wake(): void {
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
    return !this.#stopped && (this.#backlog.isQueued || this.#pendingNote !== null);
  }

  #mustSeal(): boolean {
    const isBehind = this.#parts.tree.size > (this.#seal?.size ?? 0);
    return !this.#stopped && !this.#backlog.isOwing && isBehind;
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
      const batch = this.#backlog.startBatch();
      this.#pendingNote = null;
      const written = await this.#appendFrames(framesOf(note?.seal.note ?? null, batch));
      note?.settle(written ? 'written' : 'failed');
      if (!written) {
        await this.#refuseBatch();
      } else if (batch.length > 0) {
        await this.#parts.journal.sync();
        this.#backlog.endBatch();
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

  async #refuseBatch(): Promise<void> {
    const reason = this.#trouble ?? denial('LOG_UNAVAILABLE', 'the journal cannot be written');
    const outcome = this.#backlog.refuseBatch(reason);
    await pause(retryMs);
    // Only a new attempt can tell whether the trouble is over; what is owed is one by itself.
    if (this.#trouble === reason && outcome === 'refused') this.#setTrouble(null);
  }

  #becomeDurable(batch: readonly Written[]): void {
    for (const { waiting, id, leaf } of batch) {
      const index = this.#parts.tree.size;
      this.#parts.tree.append(leafHash(leaf));
      this.#parts.onDurable({ index, id, leaf, submission: waiting.submission });
      this.#backlog.awaitSeal({ waiting, id, leaf, index });
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
    const abandonedBefore = this.#backlog.abandonedGrants;
    const reply = await signer.signCheckpoint(checkpoint);
    if (reply.outcome === 'refused') {
      throw new Error(`the signer refuses the tree head of size ${size}: ${reply.reason}`);
    }
    if (reply.outcome === 'unavailable') {
      this.#setTrouble(reply.denial);
      return 'failed';
    }
    // The first seal over a grant abandoned meanwhile must cover its revocation too, even if that is durable by now.
    if (this.#backlog.abandonedGrants > abandonedBefore) return 'discarded';
    const signature = { name: key.name, keyId: key.keyId, signature: reply.signature };
    const seal = { size, root: checkpoint.root, note: formatNote(formatCheckpoint(checkpoint), [signature]) };
    return this.#putInForce(seal);
  }

  async #putInForce(seal: Seal): Promise<'sealed' | 'failed'> {
    const covered = this.#backlog.startSealing(seal.size);
    const outcome = await new Promise<'written' | 'failed'>((settle) => {
      this.#pendingNote = { seal, settle };
      this.#kickWriter();
    });
    if (outcome === 'failed') {
      this.#backlog.failSealing(covered);
      return 'failed';
    }
    this.#setTrouble(null);
    this.#seal = seal;
    this.#backlog.endSealing();
    this.#parts.onSeal(seal);
    this.#release(covered, seal);
    return 'sealed';
  }

  #release(covered: readonly Durable[], seal: Seal): void {
    const proofs = new ProofTexts(seal.size, seal.note, this.#parts.tree.subtree);
    for (const { waiting, id, index } of covered) {
      if (waiting.settle === null) continue;
      const { payload } = waiting.submission;
      this.#backlog.settle(waiting, { outcome: 'sealed', id, index, payload, proof: proofs.textOf(index) });
    }
  }

  #abandonLate(): void {
    this.#backlog.abandonLate(this.#parts.monotonicMs(), this.#trouble);
    // What was abandoned may have left a revocation to write.
    if (this.#hasWrites()) this.#kickWriter();
    this.#noteIdle();
  }
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
