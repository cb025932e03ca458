/**
 * Anchors the log in the TPM: announces the counter's next value in the log, seals that, and raises the counter. From then
 * on no log without this announcement is accepted at a start. What was logged behind the newest anchor is the unprotected
 * window: `status` shows it.
 */

import type { AnchorCause, AnchorRecord } from '../format/anchor.js';
import { type Denial, denial } from '../format/denial.js';
import type { EntryKind } from '../format/entry.js';
import type { LoggedAnchor } from '../state/span.js';
import { WearBudget } from '../state/wear-budget.js';
import type { Attester, AttesterReply } from '../tpm/attester.js';
import type { Sealing } from './sealing.js';

export type AnchorOutcome =
  | { readonly outcome: 'anchored' }
  | {
      readonly outcome: 'failed';
      readonly denial: Extract<Sealing, { outcome: 'unsealed' }>['denial'] | Denial<'TPM_UNAVAILABLE'>;
    };

export interface AnchoringParts {
  readonly attester: Pick<Attester, 'key' | 'counterName' | 'readCounter' | 'incrementCounter'>;
  /** Seals the announcement. */
  readonly seal: (
    content: Pick<AnchorRecord, 'type' | 'key' | 'counter' | 'value' | 'cause'>,
  ) => Promise<Sealing>;
  /** Of a clock that never goes back. */
  readonly nowMs: () => number;
  readonly settings: AnchorSettings;
  /** Anchoring has become impossible, for this reason, or possible again (null). */
  readonly onTrouble: (trouble: Denial | null) => void;
  /** The counter does not do what only this daemon may make it do. */
  readonly onFatal: (cause: Error) => void;
}

export interface AnchorSettings {
  /** At most this long after an entry the log is anchored, as far as the budget allows. */
  readonly periodMs: number;
  /** Writes of the counter that are allowed a day in the long run. */
  readonly writesPerDay: number;
}

/** The unprotected window, and what keeps it small. */
export interface AnchorStatus {
  readonly value: number;
  /** Entries behind the newest anchor. They could be taken back without the TPM's noticing. */
  readonly unprotectedEntries: number;
  readonly anchoredMsAgo: number | null;
  readonly writesLeft: number;
  readonly trouble: Denial | null;
}

/** Nothing was written: the budget does not allow it now. */
interface Spent {
  readonly outcome: 'spent';
  readonly denial: Denial<'TPM_UNAVAILABLE'>;
}

const retryMs = 30_000;
/** Writes that no caller's demand can spend. */
const keptForOthers = 2;

export class Anchoring {
  readonly #parts: AnchoringParts;
  readonly #budget: WearBudget;
  /** What the counter shows, as far as is known. */
  #value: number;
  /** Announced, and perhaps not reached yet: the TPM did not answer. */
  #announced: number | null = null;
  /** May stand in the log twice: an announcement of it was not sealed in time, and perhaps written all the same. */
  #ambiguous: number | null = null;
  #anchoredAtMs: number | null = null;
  /** Entries behind the newest anchor that the counter reached, and behind the newest announcement. */
  #behind = 0;
  #behindAnnouncement = 0;
  #newestIndex = -1;
  #running: Promise<unknown> = Promise.resolve();
  /** The turn that has not begun: everything that waits shares it. */
  #next: { readonly outcome: Promise<AnchorOutcome>; cause: AnchorCause } | null = null;
  #timer: NodeJS.Timeout | null = null;
  #timerAtMs = 0;
  #trouble: Denial | null = null;
  #closed = false;

  /** `value`: what the counter shows, and no more than what the log announces. */
  constructor(parts: AnchoringParts, value: number) {
    this.#parts = parts;
    this.#value = value;
    this.#budget = new WearBudget(parts.settings.writesPerDay, parts.nowMs());
  }

  /**
   * The counter's value at a start. One that was announced and not reached is reached first: two logs must never announce
   * the same value.
   */
  static async reach(
    attester: AnchoringParts['attester'],
    announced: LoggedAnchor | null,
    found: number,
  ): Promise<AttesterReply<number>> {
    if (announced === null || found !== announced.value - 1) return { outcome: 'done', value: found };
    const reached = await attester.incrementCounter();
    if (reached.outcome === 'unavailable' || reached.value === announced.value) return reached;
    return {
      outcome: 'unavailable',
      denial: denial('TPM_UNAVAILABLE', raisedByOthers(reached.value, announced.value)),
    };
  }

  get status(): AnchorStatus {
    const nowMs = this.#parts.nowMs();
    return {
      value: this.#value,
      unprotectedEntries: this.#behind,
      anchoredMsAgo: this.#anchoredAtMs === null ? null : nowMs - this.#anchoredAtMs,
      writesLeft: this.#budget.left(nowMs),
      trouble: this.#trouble,
    };
  }

  /** Whether the newest anchor that the counter reached lies behind the entry. */
  covers(index: number): boolean {
    return index <= this.#newestIndex - this.#behind;
  }

  /** An entry became durable. Those that come by themselves need no anchor, so an idle log wears nothing. */
  follow(kind: EntryKind, index: number): void {
    this.#newestIndex = index;
    this.#behind++;
    this.#behindAnnouncement++;
    switch (kind) {
      case 'anchor':
        this.#behindAnnouncement = 0;
        return;
      case 'quote':
      case 'snapshot':
      case 'status':
        return;
      case 'policy':
      case 'key':
      case 'revocation':
        this.#wish(kind, 0);
        return;
      default:
        this.#wish('period', this.#parts.settings.periodMs);
    }
  }

  /**
   * Anchors everything that was sealed before this call. Calls that come while the TPM is at work share the next turn.
   * TPM_UNAVAILABLE also where the wear budget is spent, and behind the last anchor.
   */
  anchor(cause: AnchorCause): Promise<AnchorOutcome> {
    // A request whose client is gone may come as late as this.
    if (this.#closed)
      return Promise.resolve(failed(denial('TPM_UNAVAILABLE', 'the daemon is shutting down')));
    if (this.#next !== null) {
      // Demands may spend less than what comes by itself, which must not be held up by having joined one.
      if (this.#next.cause === 'request') this.#next.cause = cause;
      return this.#next.outcome;
    }
    const outcome = this.#running.then(() => {
      const joined = this.#next?.cause ?? cause;
      this.#next = null;
      return this.#turn(joined);
    });
    this.#next = { outcome, cause };
    this.#running = outcome;
    return outcome;
  }

  /** The last anchor: nothing may be appended behind it. */
  async close(): Promise<AnchorOutcome> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#running;
    return this.#turn('stop');
  }

  /** Anchors within `delayMs`, or as soon as the budget allows. */
  #wish(cause: AnchorCause, delayMs: number): void {
    // A run begins and ends with an anchor of its own.
    if (this.#anchoredAtMs === null || this.#closed) return;
    const nowMs = this.#parts.nowMs();
    const atMs = nowMs + Math.max(delayMs, this.#budget.waitMs(nowMs));
    if (this.#timer !== null) {
      if (this.#timerAtMs <= atMs) return;
      clearTimeout(this.#timer);
    }
    this.#timerAtMs = atMs;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#behind > 0 || this.#trouble !== null) void this.anchor(cause);
    }, atMs - nowMs);
  }

  async #turn(cause: AnchorCause): Promise<AnchorOutcome> {
    const outcome = await this.#anchorNow(cause);
    switch (outcome.outcome) {
      case 'anchored':
        this.#note(null);
        return outcome;
      case 'failed':
        this.#note(outcome.denial);
        this.#wish(cause === 'request' ? 'period' : cause, retryMs);
        return outcome;
      case 'spent':
        // No trouble: demands can spend the budget at any time. What is not demanded waits until there is one again.
        if (cause !== 'request') this.#wish(cause, 0);
        return failed(outcome.denial);
    }
  }

  #note(trouble: Denial | null): void {
    if ((trouble === null) !== (this.#trouble === null)) this.#parts.onTrouble(trouble);
    this.#trouble = trouble;
  }

  async #anchorNow(cause: AnchorCause): Promise<AnchorOutcome | Spent> {
    const pending = await this.#settlePending();
    if (pending !== null) return pending;
    if (this.#ambiguous === this.#value + 1) {
      // The first of two announcements may precede what was logged since, so this value proves too little: it is passed.
      const passed = await this.#announceAndRaise(cause);
      if (passed.outcome !== 'anchored') return passed;
    }
    return this.#announceAndRaise(cause);
  }

  async #announceAndRaise(cause: AnchorCause): Promise<AnchorOutcome | Spent> {
    const { attester, seal, nowMs } = this.#parts;
    if (cause === 'start' || cause === 'stop') this.#budget.overspend(nowMs());
    // Whoever may redeem may demand anchors: revocations must not wait because of that.
    else if (!this.#budget.spend(nowMs(), cause === 'request' ? keptForOthers : 0)) return this.#spent();
    const value = this.#value + 1;
    const sealing = await seal({
      type: 'urn:writ:anchor:v1',
      key: attester.key.name,
      counter: attester.counterName,
      value,
      cause,
    });
    if (sealing.outcome === 'unsealed') {
      this.#ambiguous = value;
      return failed(sealing.denial);
    }
    this.#announced = value;
    return (await this.#raise(await attester.incrementCounter())) ?? { outcome: 'anchored' };
  }

  /** Finds out whether the last announcement was reached, and reaches it. Null when nothing is pending any more. */
  async #settlePending(): Promise<AnchorOutcome | null> {
    const { attester } = this.#parts;
    if (this.#announced === null) return null;
    const reading = await attester.readCounter();
    if (reading.outcome === 'unavailable') return failed(reading.denial);
    return this.#raise(reading.value === this.#announced - 1 ? await attester.incrementCounter() : reading);
  }

  #raise(reply: AttesterReply<number>): AnchorOutcome | null {
    if (reply.outcome === 'unavailable') return failed(reply.denial);
    if (reply.value !== this.#announced) {
      const fault = raisedByOthers(reply.value, this.#announced);
      this.#parts.onFatal(new Error(fault));
      return failed(denial('TPM_UNAVAILABLE', fault));
    }
    this.#value = reply.value;
    this.#announced = null;
    if (reply.value === this.#ambiguous) return null;
    this.#behind = this.#behindAnnouncement;
    this.#anchoredAtMs = this.#parts.nowMs();
    return null;
  }

  #spent(): Spent {
    return {
      outcome: 'spent',
      denial: denial(
        'TPM_UNAVAILABLE',
        "the budget for writing the TPM's counter, whose cells wear, is spent",
        'Ask again later (writ status shows what is left), or raise tpm.anchor_writes_per_day.',
      ),
    };
  }
}

function failed(reason: Extract<AnchorOutcome, { outcome: 'failed' }>['denial']): AnchorOutcome {
  return { outcome: 'failed', denial: reason };
}

function raisedByOthers(found: number, announced: number | null): string {
  return `the TPM's counter shows ${found} where only ${announced} was announced: somebody else raised it`;
}
