/** The artifacts that were revoked one by one and have not expired: what a standing status lists. */

import { markOf } from '../format/standing-status.js';
import { decodeStatement } from '../format/statement.js';
import type { Log } from '../log/log.js';
import type { LogViews } from '../state/views.js';
import { endMs } from '../verify/narrowing.js';

interface Revoked {
  readonly index: number;
  readonly mark: string;
  readonly endMs: number;
}

/** What can be listed now: everything that lies at `from` or behind it. */
export interface Listed {
  readonly from: number;
  readonly marks: readonly string[];
}

/** At most so many are listed, so that the statement fits one line. */
const maxListed = 1000;
/** At most so many entries are read at the first listing: what lies before them is not spoken of. */
const maxScanned = 5000;

export class RevokedArtifacts {
  readonly #log: Pick<Log, 'read'>;
  readonly #views: Pick<LogViews, 'revocations'>;
  /** Null until the first listing. */
  #known: Map<number, Revoked> | null = null;
  /** Revoked since the last listing. */
  #fresh = new Set<number>();
  /** Before this index nothing is known for certain until `#unlistedUntilMs`. */
  #listedFrom = 0;
  #unlistedUntilMs = 0;

  constructor(log: Pick<Log, 'read'>, views: Pick<LogViews, 'revocations'>) {
    this.#log = log;
    this.#views = views;
  }

  /** The entry at this index was revoked just now. Cheap. */
  note(index: number): void {
    this.#fresh.add(index);
  }

  /** Whether something was revoked that `list` does not know. */
  get isBehind(): boolean {
    return this.#known === null || this.#fresh.size > 0;
  }

  /** Reads what was revoked since the last time. Rejects with LogDamageError where the log cannot be read. */
  async refresh(): Promise<void> {
    const known = this.#known ?? new Map<number, Revoked>();
    if (this.#known === null) await this.#scan(known);
    this.#known = known;
    const fresh = this.#fresh;
    this.#fresh = new Set();
    for (const index of fresh) await this.#learn(known, index);
  }

  /** Complete unless `isBehind`. */
  list(nowMs: number): Listed {
    const known = this.#known ?? new Map<number, Revoked>();
    if (this.#unlistedUntilMs <= nowMs) this.#listedFrom = 0;
    for (const { index, endMs: end } of known.values()) if (end <= nowMs) known.delete(index);
    const newestFirst = [...known.values()].sort((one, other) => other.index - one.index);
    for (const { index, endMs: end } of newestFirst.slice(maxListed)) {
      known.delete(index);
      this.#leaveOut(index, end);
    }
    const marks = newestFirst.slice(0, maxListed).filter(({ index }) => index >= this.#listedFrom);
    return { from: this.#listedFrom, marks: marks.map(({ mark }) => mark).sort() };
  }

  async #scan(known: Map<number, Revoked>): Promise<void> {
    let scanned = 0;
    for (const index of this.#views.revocations.entriesNewestFirst()) {
      if (scanned === maxScanned) return this.#leaveOut(index, Number.POSITIVE_INFINITY);
      scanned++;
      await this.#learn(known, index);
    }
  }

  #leaveOut(index: number, untilMs: number): void {
    this.#listedFrom = Math.max(this.#listedFrom, index + 1);
    this.#unlistedUntilMs = Math.max(this.#unlistedUntilMs, untilMs);
  }

  async #learn(known: Map<number, Revoked>, index: number): Promise<void> {
    // Nobody ever held a proof of what was not sealed in time.
    if (this.#views.revocations.isUnsealed(index)) return;
    const { id, kind, payload } = await this.#log.read(index);
    if (kind !== 'authorization' && kind !== 'signature') return;
    const statement = decodeStatement(payload);
    if (statement.predicateType === 'urn:writ:denial:v1') return;
    known.set(index, { index, mark: markOf(id), endMs: endMs(statement.predicate.validity) });
  }
}
