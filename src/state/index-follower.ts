/**
 * An SQLite index of the log, `index.sqlite` in the state directory, so that people can query it (docs/index.md). It
 * follows the log behind the seals and off the request path: this thread hands over the bytes of a few sealed entries at
 * a time, the index's own thread does the rest, and while the log is busy it mostly rests.
 *
 * It is never trusted over the log. At each start its position is compared with the log's own tree, and whatever does
 * not fit is deleted and made again; deleting it by hand loses nothing. Its failures are reported and retried, and
 * never reach the log.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ArtifactId } from '../format/artifact-id.js';
import { equalBytes } from '../format/bytes.js';
import type { EntryKind } from '../format/entry.js';
import type { LoggedFrames } from '../log/entry-reader.js';
import type { ChildEntry, IndexPosition, KindedEntry } from './index-connections.js';
import { IndexThread, IndexUnavailableError } from './index-thread.js';

/** The log as the index sees it. */
export interface IndexSource {
  readonly origin: string;
  /** How many entries the newest seal covers; never decreases. */
  sealedSize(): number;
  /** Root hash over the first `size` entries; asked only up to `sealedSize()`. */
  rootAt(size: number): Uint8Array;
  /** Entries from `from` up to `to`, or fewer, at least one; in memory of their own. They are proven by whoever gets them. */
  frames(from: number, to: number): Promise<LoggedFrames>;
}

export interface IndexParts {
  /** Path of the database file; its directory exists. */
  readonly path: string;
  readonly source: IndexSource;
  /** Takes a sentence about a failure, or about an index that is made again; the index goes on by itself. */
  readonly onTrouble: (sentence: string) => void;
  /** Pause before the first retry; it doubles up to a minute while retries fail. */
  readonly firstRetryMs?: number;
}

/**
 * A running index. Answers cover the first `position` entries and are hints: whoever acts on one reads the entry from
 * the log first. Queries reject with IndexUnavailableError while the index is in trouble or closed.
 */
export interface LogIndex {
  /** How many log entries the index covers. */
  readonly position: number;
  /** Call after each seal. Cheap; never throws. */
  notify(): void;
  /**
   * Settles once the first `size` entries are covered. Rejects with IndexUnavailableError when that takes longer than
   * `timeoutMs`, or when the index is or comes in trouble.
   */
  reach(size: number, timeoutMs: number): Promise<void>;
  /** The artifacts that name this one as their parent, oldest first. */
  children(id: ArtifactId): Promise<readonly ChildEntry[]>;
  /** What was logged about the entry at a log index, oldest first; see `IndexStore.about`. */
  about(idx: number): Promise<readonly KindedEntry[]>;
  /** The newest entry of a kind before a log index, or null; with a `subject` only of that. */
  newestBefore(kind: EntryKind, idx: number, subject: string | null): Promise<number | null>;
  /** Log index of the first entry with this id; null when it is not among the covered ones. */
  find(id: ArtifactId): Promise<number | null>;
  /** Stops following and closes the file. Call it before the log is closed. Never rejects. */
  close(): Promise<void>;
}

/** Opens the index and starts to follow. Never rejects: trouble is reported, and tried again. */
export async function openIndex(parts: IndexParts): Promise<LogIndex> {
  const follower = new IndexFollower(parts);
  await follower.start();
  return follower;
}

type State =
  | { readonly state: 'following'; readonly thread: IndexThread }
  | { readonly state: 'stopped'; readonly reason: IndexUnavailableError };

interface Waiter {
  readonly size: number;
  readonly settle: (refusal: IndexUnavailableError | null) => void;
}

/** Entries handed over in one go. */
const batchEntries = 64;
/** The log is busy when the last seal is this recent. Then each batch is followed by a rest of so many times its length. */
const busyMs = 100;
const restFactor = 9;
const longestRestMs = 500;
const lastRetryMs = 60_000;

class IndexFollower implements LogIndex {
  readonly #parts: IndexParts;
  readonly #waiters = new Set<Waiter>();
  #state: State = { state: 'stopped', reason: new IndexUnavailableError('the index is being opened') };
  #position = 0;
  /** What a query or the thread's end told the loop. */
  #fault: IndexUnavailableError | null = null;
  #wake: () => void = () => {};
  #resting = false;
  #notifiedMs = Number.NEGATIVE_INFINITY;
  #closing = false;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: IndexParts) {
    this.#parts = parts;
  }

  /** Settles when the first attempt to open the file is over. */
  start(): Promise<void> {
    return new Promise((opened) => {
      this.#running = this.#run(opened);
    });
  }

  get position(): number {
    return this.#position;
  }

  notify(): void {
    this.#notifiedMs = performance.now();
    if (this.#state.state === 'following' && !this.#resting) this.#wake();
  }

  reach(size: number, timeoutMs: number): Promise<void> {
    if (this.#state.state === 'stopped') return Promise.reject(this.#state.reason);
    if (this.#position >= size) return Promise.resolve();
    this.#wake();
    return new Promise((resolve, reject) => {
      const settle = (refusal: IndexUnavailableError | null): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        if (refusal === null) resolve();
        else reject(refusal);
      };
      const waiter: Waiter = { size, settle };
      const late = `the index covers fewer than ${size} log entries after ${timeoutMs} ms`;
      const timer = setTimeout(() => settle(new IndexUnavailableError(late)), timeoutMs);
      this.#waiters.add(waiter);
    });
  }

  children(id: ArtifactId): Promise<readonly ChildEntry[]> {
    return this.#query((thread) => thread.children(id));
  }

  about(idx: number): Promise<readonly KindedEntry[]> {
    return this.#query((thread) => thread.about(idx));
  }

  newestBefore(kind: EntryKind, idx: number, subject: string | null): Promise<number | null> {
    return this.#query((thread) => thread.newestBefore(kind, idx, subject));
  }

  find(id: ArtifactId): Promise<number | null> {
    return this.#query((thread) => thread.find(id));
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#wake();
    await this.#running;
  }

  async #query<Answer>(ask: (thread: IndexThread) => Promise<Answer>): Promise<Answer> {
    if (this.#state.state === 'stopped') throw this.#state.reason;
    try {
      return await ask(this.#state.thread);
    } catch (cause) {
      if (cause instanceof IndexUnavailableError) this.#interrupt(cause);
      throw cause;
    }
  }

  #interrupt(fault: IndexUnavailableError): void {
    this.#fault ??= fault;
    this.#wake();
  }

  /** One thread after the other, with growing pauses, until the index is closed. */
  async #run(opened: () => void): Promise<void> {
    const { firstRetryMs = 1000 } = this.#parts;
    let retryMs = firstRetryMs;
    while (!this.#closing) {
      const before = this.#position;
      try {
        await this.#follow(opened);
      } catch (cause) {
        const reason = asUnavailable(cause, this.#position);
        this.#stop(reason);
        this.#parts.onTrouble(`${reason.message}; the log is not affected, and the index tries again`);
        opened();
        if (this.#position > before) retryMs = firstRetryMs;
        if (!this.#closing) await this.#sleep(retryMs);
        retryMs = Math.min(retryMs * 2, lastRetryMs);
      }
    }
    this.#stop(new IndexUnavailableError('the index is closed'));
    opened();
  }

  /** Opens the file in a thread of its own and follows the log with it. Settles when the index is closed. */
  async #follow(opened: () => void): Promise<void> {
    this.#fault = null;
    const thread = new IndexThread((death) => this.#interrupt(death));
    try {
      this.#position = await this.#openAt(thread);
      this.#state = { state: 'following', thread };
      opened();
      while (!this.#closing) {
        if (this.#fault !== null) throw this.#fault;
        if (this.#position >= this.#parts.source.sealedSize()) await this.#sleep(null);
        else await this.#advance(thread);
      }
      await thread.close();
    } finally {
      await thread.terminate();
    }
  }

  /** The position from which the file can be continued: its own where the log confirms it, else 0 in an empty file. */
  async #openAt(thread: IndexThread): Promise<number> {
    const { path, onTrouble } = this.#parts;
    const { position, discarded } = await thread.open(path);
    if (discarded !== null) onTrouble(`${discarded}; the index is made again from the log`);
    if (this.#isOfThisLog(position)) return position.size;
    await thread.reset();
    onTrouble(`${path} does not belong to this log; the index is made again from the log`);
    return 0;
  }

  #isOfThisLog({ origin, size, root }: IndexPosition): boolean {
    const { source } = this.#parts;
    if (size === 0) return true;
    return origin === source.origin && size <= source.sealedSize() && equalBytes(root, source.rootAt(size));
  }

  /** Indexes the next few entries, then lets waiting requests run. */
  async #advance(thread: IndexThread): Promise<void> {
    const { source } = this.#parts;
    const from = this.#position;
    const startMs = performance.now();
    const entries = await source.frames(from, Math.min(from + batchEntries, source.sealedSize()));
    const size = from + entries.count;
    await thread.append(entries, from, {
      origin: source.origin,
      size,
      root: new Uint8Array(source.rootAt(size)),
    });
    this.#position = size;
    for (const waiter of this.#waiters) if (waiter.size <= size) waiter.settle(null);
    await this.#rest(performance.now() - startMs);
  }

  /** Leaves the processor to requests while there are any, unless somebody waits for the index. */
  async #rest(workedMs: number): Promise<void> {
    const isBusy = performance.now() - this.#notifiedMs < busyMs;
    if (!isBusy || this.#waiters.size > 0) {
      await nextTurn();
      return;
    }
    this.#resting = true;
    await this.#sleep(Math.min(workedMs * restFactor, longestRestMs));
    this.#resting = false;
  }

  #stop(reason: IndexUnavailableError): void {
    this.#state = { state: 'stopped', reason };
    for (const waiter of this.#waiters) waiter.settle(reason);
  }

  /** Until woken, or at most `timeoutMs`; such a pause never keeps the process alive. */
  #sleep(timeoutMs: number | null): Promise<void> {
    return new Promise((resolve) => {
      const timer = timeoutMs === null ? undefined : setTimeout(resolve, timeoutMs).unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function asUnavailable(cause: unknown, position: number): IndexUnavailableError {
  if (cause instanceof IndexUnavailableError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new IndexUnavailableError(`the index cannot follow the log from entry ${position}: ${reason}`, {
    cause,
  });
}
