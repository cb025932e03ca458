/**
 * The tamper-evident log. What it guarantees:
 *
 * - `append` settles as sealed only when the entry is durable and a checkpoint over it is signed and in the journal.
 * - Whatever settles otherwise is not in the log, or is revoked there before any checkpoint covers it.
 * - `read` returns payloads only after checking them against the Merkle tree, and the tree no published tile that does not
 *   lead to its own hashes.
 * - The published directory is a valid tlog-tiles tree at every moment, at most a second behind the last seal.
 */

import { denial } from '../format/denial.js';
import type { EntryKind } from '../format/entry.js';
import type { VerifierKey } from '../format/note.js';
import { formatTlogProof } from '../format/tlog-proof.js';
import { consistencyProof, inclusionProof } from '../merkle/proof.js';
import type { Hash } from '../merkle/tree.js';
import { hashBytes, type LogEntry, type LoggedFrames, readEntry } from './entry-reader.js';
import type { RecoveredLog } from './recovery.js';
import type {
  AbandonedGrant,
  CheckpointSigner,
  DurableEntry,
  SealLimits,
  SealResult,
  Submission,
  Unsealed,
} from './seal.js';
import { type Seal, Sealer } from './sealer.js';

export interface LogParts {
  readonly recovered: RecoveredLog;
  readonly key: VerifierKey;
  readonly signer: CheckpointSigner;
  readonly limits: SealLimits;
  readonly monotonicMs: () => number;
  readonly revocationOf: (grant: AbandonedGrant) => Submission;
  readonly onDurable: (entry: DurableEntry) => void;
  readonly onSeal: () => void;
  /** Sealing has become impossible, for this reason, or possible again (null). */
  readonly onTrouble: (trouble: Unsealed['denial'] | null) => void;
  /** The published directory could not be brought up to date; it is tried again. */
  readonly onPublishFailure: (cause: unknown) => void;
  readonly onFatal: (cause: Error) => void;
}

/** What a run ends with. */
const endingKinds: ReadonlySet<EntryKind> = new Set(['stop', 'anchor']);
const shuttingDown = denial(
  'LOG_UNAVAILABLE',
  'the daemon is shutting down',
  'Ask again once it has started.',
);

const publishDelayMs = 250;

export class Log {
  readonly #parts: LogParts;
  readonly #sealer: Sealer;
  #publishTimer: NodeJS.Timeout | null = null;
  #publishing: Promise<void> = Promise.resolve();
  #ending = false;
  #closing = false;

  constructor(parts: LogParts) {
    this.#parts = parts;
    const { recovered, key, signer, limits, monotonicMs, revocationOf, onTrouble, onFatal } = parts;
    this.#sealer = new Sealer(
      {
        journal: recovered.journal,
        tree: recovered.tree,
        signer,
        key,
        limits,
        monotonicMs,
        revocationOf,
        onDurable: (entry) => this.#follow(entry),
        onSeal: () => {
          this.#schedulePublish(publishDelayMs);
          parts.onSeal();
        },
        onTrouble,
        onFatal,
      },
      recovered.seal,
      recovered.abandoned,
    );
    if ((recovered.seal?.size ?? 0) > recovered.tiles.publishedSize) this.#schedulePublish(0);
  }

  /** The newest seal in force; null in a log that has none yet. */
  get seal(): Seal | null {
    return this.#sealer.seal;
  }

  /** Entries that are durable, sealed or not. */
  get size(): number {
    return this.#parts.recovered.tree.size;
  }

  /** Why nothing can be sealed just now; null while all is well. */
  get trouble(): Unsealed['denial'] | null {
    return this.#sealer.trouble;
  }

  get waitingEntries(): number {
    return this.#sealer.waitingEntries;
  }

  get publishedSize(): number {
    return this.#parts.recovered.tiles.publishedSize;
  }

  /** Appends a payload; see the guarantees above. Never rejects. */
  append(submission: Submission): Promise<SealResult> {
    if (this.#ending && !endingKinds.has(submission.kind))
      return Promise.resolve({ outcome: 'unsealed', denial: shuttingDown });
    return this.#sealer.append(submission);
  }

  /** From now on only what ends a run is appended: nothing else can come behind it. */
  end(): void {
    this.#ending = true;
  }

  /**
   * Reads an entry back. Throws RangeError for an index beyond the log, LogDamageError for one that was changed, and
   * LogClosedError after `close`.
   */
  read(index: number): Promise<LogEntry> {
    return readEntry(this.#parts.recovered, index);
  }

  /**
   * Entries as they lie in the journal, from `from` up to `to` or somewhat fewer, with the hashes that the tree has for
   * their leaves. `provenEntries` makes entries of them, in any thread. Throws as `read` does.
   */
  async frames(from: number, to: number): Promise<LoggedFrames> {
    const { journal, tree } = this.#parts.recovered;
    const { bytes, end } = await journal.readFrames(from, to);
    const hashes = new Uint8Array((end - from) * hashBytes);
    for (let index = from; index < end; index++)
      hashes.set(tree.subtree(0, index), (index - from) * hashBytes);
    return { first: from, count: end - from, frames: bytes, hashes };
  }

  /** Text of the tlog-proof of an entry under the newest seal; null while no seal covers it. */
  proof(index: number): string | null {
    const seal = this.seal;
    if (seal === null || index >= seal.size) return null;
    const hashes = inclusionProof(index, seal.size, this.#parts.recovered.tree.subtree);
    return formatTlogProof({ index, hashes, checkpoint: seal.note });
  }

  /**
   * Proof that the log's first `size` entries are those of the tree of its first `laterSize` (RFC 6962, section 2.1.2). Throws
   * RangeError unless both are trees of this log.
   */
  consistency(size: number, laterSize: number): Hash[] {
    if (laterSize > this.size) throw new RangeError(`the log has no tree of ${laterSize} entries`);
    return consistencyProof(size, laterSize, this.#parts.recovered.tree.subtree);
  }

  /** Seals what waits, publishes the exact last seal, and closes the journal. Reads under way may still end. */
  async close(): Promise<void> {
    await this.#sealer.close();
    this.#closing = true;
    if (this.#publishTimer !== null) clearTimeout(this.#publishTimer);
    await this.#publishing;
    await this.#publish();
    await this.#parts.recovered.tiles.close();
    await this.#parts.recovered.journal.sync();
    await this.#parts.recovered.journal.close();
  }

  #follow(entry: DurableEntry): void {
    this.#parts.recovered.leaves.add(entry.leaf);
    this.#parts.onDurable(entry);
  }

  #schedulePublish(delayMs: number): void {
    this.#publishTimer ??= setTimeout(() => {
      this.#publishTimer = null;
      this.#publishing = this.#publishing.then(() => this.#publish());
    }, delayMs);
  }

  async #publish(): Promise<void> {
    const { tiles, tree, leaves } = this.#parts.recovered;
    const seal = this.seal;
    if (seal === null || seal.size === tiles.publishedSize) return;
    try {
      await tiles.publish(seal.size, seal.note, tree, leaves);
    } catch (cause) {
      this.#parts.onPublishFailure(cause);
      // What could not be published on closing is published by the next start.
      if (!this.#closing) this.#schedulePublish(1000);
      return;
    }
    tree.release(seal.size);
    leaves.release(seal.size);
  }
}
