/**
 * Governed executions from their arming to their end. A run is under the watchdog before anybody is told that it may begin; it ends
 * once, whoever notices first that it is over: then everything of it is killed, whoever ran it is told, and one record says why.
 */

import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type Denials, denial } from '../../format/denial.js';
import type { EndCause, EndRecord, ExitStatus, RunProcess } from '../../format/lease.js';
import type { RecordHead } from '../../format/record-head.js';
import { isRunning } from '../../identity/held-child.js';
import { errnoName } from '../../kernel/errno.js';
import type { Caller } from '../caller.js';
import { type Decision, keptDecisions } from '../decision.js';
import { descendsFrom } from '../lineage/subtree.js';
import type { Sealing } from '../sealing.js';
import { type LeftBehind, whenGone } from './left-behind.js';
import type { Logged, Run, RunFacts } from './run.js';
import { RunTable } from './run-table.js';
import { Watchdog, type WatchdogState } from './watchdog.js';
import type { Guarding, GuardOrder, WatchdogCause } from './watchdog-link.js';

export interface GovernedRunsParts {
  /** Names this daemon's watchdog: a-z, 0-9 and hyphens. */
  readonly name: string;
  /** Socket of a watchdog that runs as a service; null: the daemon starts its own. */
  readonly watchdogSocket: string | null;
  /** What every record starts with. */
  readonly head: () => RecordHead;
  /** `inputs`: what the decisions that the record names were made on. */
  readonly logEnd: (record: EndRecord, inputs?: Uint8Array) => Promise<Sealing>;
  /** Whether the log has no end of the lease at this index yet. */
  readonly isOpen: (leaseIndex: number) => boolean;
  /** Takes a sentence when the watchdog is lost, null when there is one again. */
  readonly onWatchdog: (trouble: string | null) => void;
}

/** A run whose lease is not sealed yet, under its deadline all the same. */
export interface ArmedRun {
  /** By what the watchdog knows it. */
  readonly name: string;
  readonly guarding: Guarding;
}

/** A run in the table; what changes of it is changed here alone. */
interface KeptRun extends Run {
  runner: Caller;
  deadlineBootMs: number;
  state: Run['state'];
  readonly name: string;
  /** Set once, when it ends. */
  ending: { readonly dead: Promise<void>; readonly logged: Promise<Sealing> } | null;
}

/** Beside the cause: how the program ended, and what policies said that led to it. */
interface EndDetail {
  readonly status?: ExitStatus | null;
  readonly decisions?: readonly Decision[];
}

/** An end is logged when nothing of the run is left, or this much later. */
const patienceMs = 2000;
const retryMs = 1000;
const pollMs = 10;

const stopping = denial(
  'LOG_UNAVAILABLE',
  'the daemon is being stopped',
  'Run it again once it has started.',
);

export class GovernedRuns {
  readonly table: RunTable;
  readonly #parts: GovernedRunsParts;
  readonly #watchdog: Watchdog;
  readonly #byName = new Map<string, KeptRun>();
  /** Runs that are armed and not adopted yet, and why the watchdog ended them meanwhile. */
  readonly #armed = new Map<string, WatchdogCause | null>();
  #stopping = false;

  constructor(parts: GovernedRunsParts) {
    this.#parts = parts;
    this.#watchdog = new Watchdog({
      name: parts.name,
      socketPath: parts.watchdogSocket,
      onEnded: (run, cause) => this.#onEnded(run, cause),
      onLost: (why) => this.#onLost(why),
      onReady: () => parts.onWatchdog(null),
    });
    const end = (run: Run, cause: EndCause, denials: Denials) => this.end(run, cause, denials).dead;
    this.table = new RunTable(end, () => this.#base);
  }

  get watchdog(): WatchdogState {
    return this.#watchdog.state;
  }

  /** Settles when the watchdog is there, or is known not to be as yet. */
  start(): Promise<void> {
    return this.#watchdog.start();
  }

  /** Logs the end of what an earlier daemon left behind, as soon as nothing is left of it. */
  bury(left: LeftBehind, boot: string): void {
    this.table.addLeftBehind(left);
    void whenGone(left, boot).then(async () => {
      this.table.removeLeftBehind(left);
      const { lease, record } = left;
      const artifact = { id: record.artifact, index: record.artifactIndex };
      const log = () => this.#parts.logEnd(this.#endRecord(lease, artifact, 'daemon-gone', null));
      if (!this.#stopping && (await log()).outcome === 'unsealed') await this.#logLater(lease.index, log);
    });
  }

  /** Puts a held child under its deadline. Without a watchdog, and while the daemon stops, it is refused. */
  async arm(order: Omit<GuardOrder, 'run' | 'inside'>, inside: Run | null): Promise<ArmedRun> {
    const name = randomBytes(16).toString('hex');
    if (this.#stopping) return { name, guarding: { outcome: 'refused', reason: 'stopping' } };
    this.#armed.set(name, null);
    const around =
      [...this.#byName.values()].find(({ lease }) => lease.id === inside?.lease.id)?.name ?? null;
    const guarding = await this.#watchdog.guard({ ...order, run: name, inside: around });
    if (guarding.outcome === 'refused') this.#armed.delete(name);
    return { name, guarding };
  }

  /** Kills an armed run that gets no lease. */
  disarm({ name }: ArmedRun): void {
    this.#armed.delete(name);
    void this.#watchdog.end(name);
  }

  /** Makes a run of what is armed, now that its lease is sealed. What ended meanwhile begins to end at once. */
  adopt({ name }: ArmedRun, facts: RunFacts, runner: Caller, deadlineBootMs: number): Run {
    const over = this.#armed.get(name) ?? null;
    this.#armed.delete(name);
    const run: KeptRun = { ...facts, runner, deadlineBootMs, state: 'live', name, ending: null };
    this.#byName.set(name, run);
    this.table.add(run);
    if (over !== null) this.#onEnded(name, over);
    else if (this.#watchdog.state.state !== 'ready') this.#endUnwatched(run);
    else if (facts.session.closed) this.table.hungUp(facts.session);
    else if (this.#stopping) this.end(run, 'daemon-stopped', [stopping]);
    return run;
  }

  /** Moves the deadline of a live run that was looked at again; false where it was too late. */
  async extend(run: Run, runner: Caller, deadlineBootMs: number): Promise<boolean> {
    const kept = this.#kept(run);
    if (kept?.state !== 'live' || !(await this.#watchdog.renew(kept.name, deadlineBootMs))) return false;
    kept.deadlineBootMs = deadlineBootMs;
    kept.runner = runner;
    return kept.state === 'live';
  }

  /**
   * Ends a run, unless that has begun: the order to kill is out when this returns. `dead` settles when nothing of it is left,
   * `logged` when its end is sealed or cannot be as yet; then it is logged later.
   */
  end(
    run: Run,
    cause: EndCause,
    denials: Denials,
    detail: EndDetail = {},
  ): { readonly dead: Promise<void>; readonly logged: Promise<Sealing> } {
    const kept = this.#kept(run);
    if (kept === null) throw new Error(`the run ${run.lease.id} is over`);
    if (kept.ending !== null) return kept.ending;
    kept.state = 'ending';
    const dead = this.#killed(kept).then(() => {
      this.#byName.delete(kept.name);
      this.table.remove(kept);
    });
    // What stands under its authorization ends with it, also where it runs elsewhere; behind those that end for a cause of their own.
    queueMicrotask(() => this.#endBelow(kept));
    const isOwnWord = cause === 'exited' || cause === 'not-started';
    if (!isOwnWord && !kept.session.closed)
      kept.session.push.notify({ method: 'lease.stop', params: { lease: kept.lease.id, denials } });
    kept.ending = { dead, logged: this.#log(kept, cause, detail, dead) };
    return kept.ending;
  }

  #endBelow({ artifact: { entry } }: KeptRun): void {
    const reason = denial('LINEAGE_BROKEN', `the run of ${entry.id}, under which it stands, has ended`);
    void this.table.endWhere(({ artifact }) => descendsFrom(artifact, entry.id), 'lineage', [reason]);
  }

  /** Ends every run, and begins none any more. Settles when their ends are logged, as far as that can be. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const ends = [...this.#byName.values()].map((run) => this.end(run, 'daemon-stopped', [stopping]));
    await Promise.all(ends.flatMap(({ dead, logged }) => [dead, logged]));
    this.#watchdog.close();
  }

  get #base(): string | null {
    const { state } = this.#watchdog;
    return state.state === 'ready' ? state.facts.base : null;
  }

  #kept({ lease }: Run): KeptRun | null {
    const run = this.table.find(lease.id);
    return run === null ? null : ([...this.#byName.values()].find((kept) => kept === run) ?? null);
  }

  async #killed({ name, process: first }: KeptRun): Promise<void> {
    const ordered = this.#watchdog.end(name);
    if (this.#watchdog.state.state === 'ready') await ordered;
    // Without a watchdog what can be killed here is; the next watchdog kills whatever is left in the run's group.
    else await killDirectly(first);
  }

  async #log(
    { lease, artifact: { entry } }: KeptRun,
    cause: EndCause,
    { status = null, decisions = [] }: EndDetail,
    dead: Promise<void>,
  ): Promise<Sealing> {
    await Promise.race([dead, pause(patienceMs, undefined, { ref: false })]);
    const { policy, inputs } = keptDecisions(decisions);
    const said = policy.length === 0 ? {} : { policy };
    const log = () =>
      this.#parts.logEnd({ ...this.#endRecord(lease, entry, cause, status), ...said }, inputs);
    const sealing = await log();
    if (sealing.outcome === 'unsealed') void this.#logLater(lease.index, log);
    return sealing;
  }

  #endRecord(lease: Logged, artifact: Logged, cause: EndCause, status: ExitStatus | null): EndRecord {
    return {
      type: 'urn:writ:end:v1',
      ...this.#parts.head(),
      lease: lease.id,
      leaseIndex: lease.index,
      artifact: artifact.id,
      artifactIndex: artifact.index,
      cause,
      status,
    };
  }

  /** What could not be written is written later; what is only unsealed is in the log already. */
  async #logLater(leaseIndex: number, log: () => Promise<Sealing>): Promise<void> {
    while (!this.#stopping) {
      await pause(retryMs, undefined, { ref: false });
      if (!this.#parts.isOpen(leaseIndex)) return;
      if ((await log()).outcome === 'sealed') return;
    }
  }

  #onEnded(name: string, cause: WatchdogCause): void {
    if (this.#armed.has(name)) this.#armed.set(name, cause);
    const run = this.#byName.get(name);
    if (run === undefined || run.ending !== null) return;
    switch (cause) {
      case 'expired':
        this.end(run, 'expired', [
          denial('EXPIRED', 'its lease ran out', 'Run it again, and renew in time.'),
        ]);
        return;
      case 'runner':
        this.end(run, 'runner-gone', [
          denial('IDENTITY_MISMATCH', 'whoever ran it has ended', 'Run it again.'),
        ]);
        return;
      case 'ordered':
      case 'stopped':
        this.end(run, 'watchdog-gone', [watchdogGone('was stopped')]);
    }
  }

  #onLost(why: string): void {
    this.#parts.onWatchdog(why);
    for (const run of [...this.#byName.values()]) this.#endUnwatched(run);
  }

  #endUnwatched(run: KeptRun): void {
    this.end(run, 'watchdog-gone', [watchdogGone('is gone')]);
  }
}

function watchdogGone(what: string) {
  return denial(
    'ENVIRONMENT_MISMATCH',
    `the watchdog that would have enforced its end ${what}`,
    'Run it again.',
  );
}

/** SIGKILL for a run's first process, as far as this user may. A PID namespace ends with it. */
async function killDirectly(first: RunProcess): Promise<void> {
  for (let waitedMs = 0; waitedMs < patienceMs && isRunning(first); waitedMs += pollMs) {
    try {
      process.kill(first.pid, 'SIGKILL');
    } catch (cause) {
      // It has ended, or is another user's; whoever runs it was told to stop it.
      const code = errnoName(cause);
      if (code !== 'ESRCH' && code !== 'EPERM') throw cause;
    }
    await pause(pollMs);
  }
}
