/**
 * Makes standing status statements: one a period, kept in `status.json` of the state directory for whoever hands it on, and one
 * on demand. What is asked for while one is being made shares the next.
 */

import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Denial, denial } from '../format/denial.js';
import type { StatusRecord } from '../format/standing-status.js';
import { formatInstant } from '../format/time.js';
import { writeDurably } from '../log/durable-file.js';
import type { Log } from '../log/log.js';
import type { PayloadClock } from '../state/payload-clock.js';
import type { LogViews } from '../state/views.js';
import { RevokedArtifacts } from './revoked-artifacts.js';
import type { SealedPayload, Sealing } from './sealing.js';

export interface StatusSettings {
  /** 0: none but on demand. */
  readonly periodMs: number;
  /** How long verifiers may believe a statement. */
  readonly validSeconds: number;
}

export interface StandingStatusParts {
  readonly log: Pick<Log, 'size' | 'read'>;
  readonly views: Pick<LogViews, 'revocations'>;
  readonly clock: Pick<PayloadClock, 'now'>;
  /** The record of a statement that is made just now. */
  readonly record: (content: Omit<StatusRecord, 'log' | 'nonce'>) => StatusRecord;
  readonly settings: StatusSettings;
  readonly stateDirectory: string;
  readonly seal: (record: StatusRecord) => Promise<Sealing>;
  /** The sealed statement as an envelope, in JSON. */
  readonly envelopeText: (sealed: SealedPayload) => string;
  /** A statement of the period could not be made. */
  readonly onTrouble: (reason: string) => void;
}

export type StatusOutcome =
  | Extract<Sealing, { outcome: 'sealed' }>
  | { readonly outcome: 'refused'; readonly denial: Denial };

/** Statements are begun at least this far apart, however many are demanded: each is a log entry. */
const spacingMs = 200;
/** Of rules and marks together: with its proof the statement then fits one line. */
const maxContentBytes = 40_000;

export class StandingStatus {
  readonly #parts: StandingStatusParts;
  readonly #artifacts: RevokedArtifacts;
  #running: Promise<unknown> = Promise.resolve();
  /** The turn that has not begun: everything that waits shares it. */
  #next: Promise<StatusOutcome> | null = null;
  #begunAtMs = Number.NEGATIVE_INFINITY;
  readonly #timer: NodeJS.Timeout | null;
  #closed = false;

  constructor(parts: StandingStatusParts) {
    this.#parts = parts;
    this.#artifacts = new RevokedArtifacts(parts.log, parts.views);
    const { periodMs } = parts.settings;
    this.#timer = periodMs === 0 ? null : setInterval(() => void this.#publish(), periodMs);
  }

  /** The entry at this log index was revoked just now. */
  noteRevoked(index: number): void {
    this.#artifacts.note(index);
  }

  /** A statement that is begun after this call. Rejects with LogDamageError where the log cannot be read. */
  fresh(): Promise<StatusOutcome> {
    if (this.#closed)
      return Promise.resolve(refused(denial('LOG_UNAVAILABLE', 'the daemon is shutting down')));
    if (this.#next !== null) return this.#next;
    const turn = this.#running.then(async () => {
      const waitMs = this.#begunAtMs + spacingMs - performance.now();
      if (waitMs > 0) await pause(waitMs);
      this.#begunAtMs = performance.now();
      this.#next = null;
      return this.#make();
    });
    this.#next = turn;
    this.#running = turn.catch(() => undefined);
    return turn;
  }

  /** Settles when none is being made any more; none is begun afterwards. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#running;
  }

  /** Never rejects: the next period tries again. */
  async #publish(): Promise<void> {
    try {
      const outcome = await this.fresh();
      if (outcome.outcome === 'refused') return this.#parts.onTrouble(outcome.denial.message);
      const path = join(this.#parts.stateDirectory, 'status.json');
      await writeDurably(path, this.#parts.envelopeText(outcome.sealed), 0o644);
    } catch (cause) {
      this.#parts.onTrouble(cause instanceof Error ? cause.message : String(cause));
    }
  }

  async #make(): Promise<StatusOutcome> {
    const { log, views, clock, record, settings, seal } = this.#parts;
    while (this.#artifacts.isBehind) await this.#artifacts.refresh();
    // From here to the append nothing is awaited: so all that was revoked before `time` is in it.
    const now = clock.now();
    if (now.outcome === 'untrusted') return refused(now.denial);
    const { from, marks } = this.#artifacts.list(now.timeMs);
    const { rules, compromised } = views.revocations;
    const statement = record({
      type: 'urn:writ:status:v1',
      time: formatInstant(now.timeMs),
      size: log.size,
      listedFrom: from,
      revoked: marks,
      rules,
      compromised,
      validSeconds: settings.validSeconds,
    });
    if (JSON.stringify([marks, rules, compromised]).length > maxContentBytes) {
      const message = `${rules.length} rules and ${marks.length} artifacts that are revoked do not fit a standing status`;
      return refused(
        denial('TOO_LARGE', message, 'Verify with the daemon (writ status names it), which knows them all.'),
      );
    }
    const sealing = await seal(statement);
    return sealing.outcome === 'sealed' ? sealing : refused(sealing.denial);
  }
}

function refused(reason: Denial): StatusOutcome {
  return { outcome: 'refused', denial: reason };
}
