/**
 * The daemon's end of the line to a watchdog (native/watchdog/protocol.h): lines out, lines in. A link that breaks the protocol or
 * does not answer in time is closed, and everything that waits on it learns that it is gone.
 */

import type { Duplex } from 'node:stream';
import type { RunProcess } from '../../format/lease.js';
import { LineSplitter } from '../../format/line-splitter.js';
import { utf8Decode } from '../../format/utf8.js';

const protocolVersion = '1';
const maxLineBytes = 1024;
const answerTimeoutMs = 5000;

/** What a watchdog says of itself. */
export interface WatchdogFacts {
  readonly pid: number;
  readonly uid: number;
  /** The control group below which it makes those of runs; null where it can make none. */
  readonly base: string | null;
  /** Whether its memory is never swapped out. */
  readonly memory: 'locked' | 'unlocked';
}

export interface GuardOrder {
  /** 32 hexadecimal digits of the daemon's choice. */
  readonly run: string;
  /** The run that it is started inside of, or null. */
  readonly inside: string | null;
  readonly runner: RunProcess;
  readonly child: RunProcess;
  readonly deadlineBootMs: number;
}

/** `cgroup`: where the run now is; null where no group could be made for it. */
export type Guarding =
  | { readonly outcome: 'guarded'; readonly cgroup: string | null }
  | { readonly outcome: 'refused'; readonly reason: string };

/** Why a watchdog ended a run: its deadline, its runner's death, the daemon's order, or that it was itself told to stop. */
export type WatchdogCause = 'expired' | 'runner' | 'ordered' | 'stopped';

export interface LinkEvents {
  /** Nothing is left of a run that was guarded. */
  readonly onEnded: (run: string, cause: WatchdogCause) => void;
  /** The link is gone; said once. */
  readonly onLost: (why: string) => void;
}

interface Waiting {
  readonly settle: (words: readonly string[] | null) => void;
  readonly deadline: NodeJS.Timeout;
}

export class WatchdogLink {
  readonly #stream: Duplex;
  readonly #events: LinkEvents;
  readonly #splitter = new LineSplitter(maxLineBytes);
  /** Who waits for which first words of an answer. */
  readonly #waiting = new Map<string, Waiting>();
  /** Runs whose end was ordered or is awaited, and who waits for it. */
  readonly #endings = new Map<string, (() => void)[]>();
  #lost = false;

  private constructor(stream: Duplex, events: LinkEvents) {
    this.#stream = stream;
    this.#events = events;
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    stream.on('error', ({ message }) => this.#lose(message));
    stream.on('close', () => this.#lose('it hung up'));
  }

  /** Greets a watchdog under the daemon's name (a-z, 0-9 and hyphens). Null when it does not answer as one. */
  static async open(
    stream: Duplex,
    name: string,
    events: LinkEvents,
  ): Promise<{ readonly link: WatchdogLink; readonly facts: WatchdogFacts } | null> {
    const link = new WatchdogLink(stream, events);
    const words = await link.#ask(`hello ${name}`, ['ready']);
    const facts = words === null ? null : factsOf(words);
    if (facts !== null) return { link, facts };
    link.close();
    return null;
  }

  /** Has a run guarded from now on. A link that is lost meanwhile refuses. */
  async guard({ run, inside, runner, child, deadlineBootMs }: GuardOrder): Promise<Guarding> {
    const processes = [runner, child].map(({ pid, startTime }) => `${pid} ${startTime}`).join(' ');
    const line = `guard ${run} ${inside ?? '-'} ${processes} ${Math.floor(deadlineBootMs)}`;
    const words = await this.#ask(line, [`guarded ${run}`, `refused ${run}`]);
    const [verb, , word] = words ?? ['refused', run, 'lost'];
    if (verb === 'guarded' && word !== undefined)
      return { outcome: 'guarded', cgroup: word === '-' ? null : word };
    return { outcome: 'refused', reason: word ?? 'unknown' };
  }

  /** Moves a run's deadline; false where that was too late. */
  async renew(run: string, deadlineBootMs: number): Promise<boolean> {
    const answers = [`renewed ${run}`, `refused ${run}`];
    const words = await this.#ask(`renew ${run} ${Math.floor(deadlineBootMs)}`, answers);
    return words?.[0] === 'renewed';
  }

  /** Has everything in a run killed: the order is out when this returns. Settles when nothing is left of it, or the link is lost. */
  end(run: string): Promise<void> {
    if (this.#lost) return Promise.resolve();
    return new Promise((settle) => {
      const others = this.#endings.get(run);
      if (others !== undefined) {
        others.push(settle);
        return;
      }
      this.#endings.set(run, [settle]);
      this.#stream.write(`end ${run}\n`);
    });
  }

  close(): void {
    this.#stream.destroy();
    this.#lose('it was closed');
  }

  #ask(line: string, answers: readonly string[]): Promise<readonly string[] | null> {
    if (this.#lost) return Promise.resolve(null);
    return new Promise((resolve) => {
      const settle = (words: readonly string[] | null) => {
        clearTimeout(deadline);
        for (const answer of answers) this.#waiting.delete(answer);
        resolve(words);
      };
      const deadline = setTimeout(() => {
        this.#stream.destroy();
        this.#lose(`it did not answer within ${answerTimeoutMs} ms`);
      }, answerTimeoutMs);
      for (const answer of answers) this.#waiting.set(answer, { settle, deadline });
      this.#stream.write(`${line}\n`);
    });
  }

  #receive(chunk: Uint8Array): void {
    for (const line of this.#splitter.push(chunk)) {
      const words =
        line.line === 'tooLong' ? ['a', 'line', 'too', 'long'] : utf8Decode(line.bytes).split(' ');
      if (this.#take(words)) continue;
      this.#stream.destroy();
      this.#lose(`it sent "${words.join(' ').slice(0, 80)}"`);
      return;
    }
  }

  /** False for a line that nobody waits for. */
  #take(words: readonly string[]): boolean {
    const [verb, run = ''] = words;
    if (verb === 'ended') {
      this.#tellEnded(run, words[2] ?? '');
      return true;
    }
    const waiting = this.#waiting.get(verb === 'ready' ? verb : `${verb} ${run}`);
    if (waiting !== undefined) {
      waiting.settle(words);
      return true;
    }
    // An order to end a run that ended by itself just before.
    if (verb === 'refused' && words[2] === 'unknown') {
      this.#settleEnding(run);
      return true;
    }
    return false;
  }

  #tellEnded(run: string, cause: string): void {
    this.#settleEnding(run);
    this.#events.onEnded(run, isCause(cause) ? cause : 'stopped');
  }

  #settleEnding(run: string): void {
    const waiting = this.#endings.get(run) ?? [];
    this.#endings.delete(run);
    for (const settle of waiting) settle();
  }

  #lose(why: string): void {
    if (this.#lost) return;
    this.#lost = true;
    for (const { settle } of [...this.#waiting.values()]) settle(null);
    for (const run of [...this.#endings.keys()]) this.#settleEnding(run);
    this.#events.onLost(why);
  }
}

function factsOf([, version, pid, uid, base, memory]: readonly string[]): WatchdogFacts | null {
  if (version !== protocolVersion || base === undefined) return null;
  return {
    pid: Number(pid),
    uid: Number(uid),
    base: base === '-' ? null : base,
    memory: memory === 'locked' ? 'locked' : 'unlocked',
  };
}

function isCause(word: string): word is WatchdogCause {
  return word === 'expired' || word === 'runner' || word === 'ordered' || word === 'stopped';
}
