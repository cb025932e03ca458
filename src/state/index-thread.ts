/** The daemon's end of the index's thread: one method for each request, each a promise for its reply. */

import { Worker } from 'node:worker_threads';
import type { ArtifactId } from '../format/artifact-id.js';
import type { EntryKind } from '../format/entry.js';
import type { LoggedFrames } from '../log/entry-reader.js';
import type { ChildEntry, IndexPosition, KindedEntry } from './index-connections.js';
import type { IndexReply, IndexRequest, NumberedReply, NumberedRequest } from './index-message.js';

/** The index cannot answer or follow now. The log is not affected, and the same call may be tried again later. */
export class IndexUnavailableError extends Error {
  readonly code = 'INDEX_UNAVAILABLE';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'IndexUnavailableError';
  }
}

/** A request that waits for its reply. */
interface Pending {
  readonly resolve: (reply: IndexReply) => void;
  readonly reject: (cause: IndexUnavailableError) => void;
}

/** Rows are short-lived: a small nursery costs little time and keeps the daemon small. */
const resourceLimits = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 128 };

/** A running thread. Every method rejects with IndexUnavailableError when the request failed or the thread died. */
export class IndexThread {
  readonly #worker = new Worker(new URL('./index-worker.js', import.meta.url), { resourceLimits });
  readonly #pending = new Map<number, Pending>();
  #nextNumber = 0;
  #ending = false;
  #death: IndexUnavailableError | null = null;

  /** `onDeath` is called at most once, when the thread ends without having been asked to. */
  constructor(onDeath: (cause: IndexUnavailableError) => void) {
    this.#worker.on('message', ({ number, reply }: NumberedReply) => {
      const pending = this.#pending.get(number);
      this.#pending.delete(number);
      pending?.resolve(reply);
    });
    this.#worker.on('error', (cause) => {
      this.#die(new IndexUnavailableError(`the index thread failed: ${cause.message}`, { cause }), onDeath);
    });
    this.#worker.on('exit', () => this.#die(new IndexUnavailableError('the index thread ended'), onDeath));
  }

  /** Opens or makes the database. `discarded`: why an earlier file was deleted; null if none was. */
  async open(path: string): Promise<{ readonly position: IndexPosition; readonly discarded: string | null }> {
    const reply = await this.#ask({ request: 'open', path });
    return reply.reply === 'opened' ? reply : failedBy(reply);
  }

  /** Deletes the database and makes an empty one. */
  async reset(): Promise<void> {
    expectDone(await this.#ask({ request: 'reset' }));
  }

  /** Adds entries behind the first `from`, and moves the position to `to`: both or neither. The frames are moved, not copied. */
  async append(entries: LoggedFrames, from: number, to: IndexPosition): Promise<void> {
    const buffer = entries.frames.buffer;
    const moved = buffer instanceof ArrayBuffer ? [buffer] : [];
    expectDone(await this.#ask({ request: 'append', entries, from, to }, moved));
  }

  /** Log index of the first entry with this id, or null. */
  async find(id: ArtifactId): Promise<number | null> {
    const reply = await this.#ask({ request: 'find', id });
    return reply.reply === 'found' ? reply.idx : failedBy(reply);
  }

  /** The artifacts that name this one as their parent, oldest first. */
  async children(id: ArtifactId): Promise<readonly ChildEntry[]> {
    const reply = await this.#ask({ request: 'children', id });
    return reply.reply === 'children' ? reply.children : failedBy(reply);
  }

  /** What was logged about the entry at a log index; see `IndexStore.about`. */
  async about(idx: number): Promise<readonly KindedEntry[]> {
    const reply = await this.#ask({ request: 'about', idx });
    return reply.reply === 'about' ? reply.entries : failedBy(reply);
  }

  /** The newest entry of a kind before a log index, or null; with a `subject` only of that. */
  async newestBefore(kind: EntryKind, idx: number, subject: string | null): Promise<number | null> {
    const reply = await this.#ask({ request: 'newestBefore', kind, idx, subject });
    return reply.reply === 'found' ? reply.idx : failedBy(reply);
  }

  /** Closes the database cleanly; then call `terminate`. */
  async close(): Promise<void> {
    this.#ending = true;
    expectDone(await this.#ask({ request: 'close' }));
  }

  /** Ends the thread wherever it is. Never rejects. */
  async terminate(): Promise<void> {
    this.#ending = true;
    await this.#worker.terminate();
  }

  #ask(request: IndexRequest, moved: readonly ArrayBuffer[] = []): Promise<IndexReply> {
    if (this.#death !== null) return Promise.reject(this.#death);
    const numbered: NumberedRequest = { number: this.#nextNumber++, request };
    return new Promise((resolve, reject) => {
      this.#pending.set(numbered.number, { resolve, reject });
      this.#worker.postMessage(numbered, moved);
    });
  }

  #die(cause: IndexUnavailableError, onDeath: (cause: IndexUnavailableError) => void): void {
    if (this.#death !== null) return;
    this.#death = cause;
    for (const { reject } of this.#pending.values()) reject(cause);
    this.#pending.clear();
    if (!this.#ending) onDeath(cause);
  }
}

function expectDone(reply: IndexReply): void {
  if (reply.reply !== 'done') failedBy(reply);
}

function failedBy(reply: IndexReply): never {
  throw new IndexUnavailableError(
    reply.reply === 'failed' ? reply.message : `the index thread gave the wrong reply (${reply.reply})`,
  );
}
