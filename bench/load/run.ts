/** One round under way: sends as its loop says, counts what comes, and knows when it is over. */

import type { LoadConnection, NextRequest } from './connection.js';
import { LatencyHistogram } from './histogram.js';
import type { Ledger } from './ledger.js';
import { closedLoop, type Loop, type LoopRoom, openLoop } from './loops.js';
import { firstId, type Requests } from './requests.js';
import type { Round, RoundResult, Sample } from './round.js';
import { OpenSchedule } from './schedule.js';

/** So many answers to each place in flight make a rate; a closed round waits for them, this many times its time at most. */
const leastTurns = 2;
const mostTimes = 6;

/** How long answers may take after the end of the load. */
const drainMs = 30_000;

/** What a round works with; all of it outlives the round. */
export interface RunParts {
  readonly requests: Requests;
  readonly ledger: Ledger;
  readonly connections: readonly LoadConnection[];
  /** Counts the requests of this workload over all rounds. */
  readonly cursor: { position: number };
}

export class Run implements LoopRoom {
  readonly samples: Sample[] = [];
  readonly parts: RunParts;
  /** Settles when the last answer has come; rejects when one never does. */
  readonly finished: Promise<void>;
  #settle: { readonly resolve: () => void; readonly reject: (cause: Error) => void } | null = null;
  readonly #loop: Loop;
  readonly #isOpen: boolean;
  readonly #latency = new LatencyHistogram();
  readonly #windowStartMs: number;
  #windowEndMs: number;
  /** How many answers a closed loop waits for, and for how long at most. */
  readonly #enough: { readonly grants: number; readonly byMs: number };
  readonly #deadline: NodeJS.Timeout;
  #left: number;
  #sendingMs = 0;
  #granted = 0;
  #grantedInWindow = 0;
  #lastInWindowMs = 0;
  #unsent = 0;
  #failures = 0;
  #firstFailure: string | null = null;

  constructor(round: Round, parts: RunParts) {
    this.parts = parts;
    const nowMs = performance.now();
    const loadMs = round.warmUpMs + round.durationMs;
    this.#windowStartMs = nowMs + round.warmUpMs;
    this.#windowEndMs = nowMs + loadMs;
    this.#left = Math.min(
      round.maxRequests ?? Number.POSITIVE_INFINITY,
      parts.requests.count - parts.cursor.position,
    );
    this.finished = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    const { pace } = round;
    this.#isOpen = pace.loop === 'open';
    this.#enough = {
      grants: pace.loop === 'closed' ? leastTurns * pace.connections * pace.inFlight : 0,
      byMs: this.#windowStartMs + mostTimes * round.durationMs,
    };
    this.#loop =
      pace.loop === 'open'
        ? openLoop(this, pace, new OpenSchedule(nowMs, pace.ratePerSecond, loadMs))
        : closedLoop(this, pace);
    this.#deadline = setTimeout(
      () => this.abort(`${parts.ledger.outstanding} requests were not answered in time`),
      this.#enough.byMs - nowMs + drainMs,
    );
    parts.ledger.resetPeak();
    this.#loop.begin(nowMs);
    this.endIfOver(nowMs);
  }

  get outstanding(): number {
    return this.parts.ledger.outstanding;
  }

  get endMs(): number {
    return this.#windowEndMs;
  }

  get left(): number {
    return this.#left;
  }

  send(connection: number, count: number, startMs: number): void {
    this.#left -= count;
    this.#sendingMs = startMs;
    this.parts.connections[connection]?.send(this.parts.requests, count, this.#next);
  }

  /** One grant, to a request whose time began at `startMs`. */
  grant(startMs: number, nowMs: number): void {
    this.#granted += 1;
    const { grants, byMs } = this.#enough;
    // The window takes in the read that is being worked on, and ends right behind it.
    if (nowMs >= this.#windowEndMs && this.#grantedInWindow < grants && nowMs < byMs)
      this.#windowEndMs = nowMs + Number.EPSILON * nowMs;
    const inWindow = nowMs >= this.#windowStartMs && nowMs < this.#windowEndMs;
    if (inWindow) {
      this.#grantedInWindow += 1;
      this.#lastInWindowMs = nowMs;
    }
    // By arrival, not by answer, where arrivals have a schedule: those answered last must not be left out.
    if (this.#isOpen ? startMs >= this.#windowStartMs : inWindow)
      this.#latency.record((nowMs - startMs) * 1000);
  }

  fail(text: string): void {
    this.#failures += 1;
    this.#firstFailure ??= text.slice(0, 2000);
  }

  abort(reason: string): void {
    this.#stop();
    this.#settle?.reject(
      new Error(this.#firstFailure === null ? reason : `${reason}; ${this.#firstFailure}`),
    );
  }

  /** `lines` answers came on a connection, all of them noted already. */
  answered(connection: number, lines: number, nowMs: number): void {
    this.#loop.answered(connection, lines, nowMs);
    this.endIfOver(nowMs);
  }

  endIfOver(nowMs: number): void {
    if (this.outstanding > 0 || !this.#loop.isOver(nowMs)) return;
    this.#stop();
    // They waited at least until now, and that counts.
    for (const dueMs of this.#loop.unsentMs()) {
      this.#unsent += 1;
      if (dueMs >= this.#windowStartMs) this.#latency.record((nowMs - dueMs) * 1000);
    }
    this.#settle?.resolve();
  }

  result(cpuUs: number): RoundResult {
    // Without requests the load ended when the last answer came.
    const endMs = this.#left <= 0 ? this.#lastInWindowMs : this.#windowEndMs;
    return {
      windowMs: Math.max(0, endMs - this.#windowStartMs),
      grantedInWindow: this.#grantedInWindow,
      granted: this.#granted,
      failures: this.#failures,
      firstFailure: this.#firstFailure,
      latency: this.#latency.serialize(),
      sendDelayMs: this.#loop.sendDelayMs,
      unsent: this.#unsent,
      mostOutstanding: this.parts.ledger.mostOutstanding,
      cpuUs,
      samples: this.samples,
    };
  }

  readonly #next: NextRequest = () => {
    const position = this.parts.cursor.position++;
    const id = firstId + this.parts.ledger.open(this.#sendingMs, position);
    return { id, position };
  };

  #stop(): void {
    this.#loop.stop();
    clearTimeout(this.#deadline);
  }
}
