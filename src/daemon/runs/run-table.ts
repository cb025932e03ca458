/**
 * The runs that live now, and which of them a process is inside of. What a process says of itself plays no part: the kernel
 * shows its control group and its PID namespaces, and the run that these belong to is the run that it is in.
 */

import type { ArtifactId } from '../../format/artifact-id.js';
import type { Denials } from '../../format/denial.js';
import type { EndCause } from '../../format/lease.js';
import { isWithinCgroup, type ProcessPlace } from '../../identity/process-place.js';
import type { ClientSession } from '../client-session.js';
import type { LeftBehind } from './left-behind.js';
import type { Run } from './run.js';

/** What a process belongs to. */
export type Holding =
  /** It is in no run. */
  | { readonly holding: 'none' }
  /** It is inside this run; the innermost, where runs were started inside of others. */
  | { readonly holding: 'live'; readonly run: Run }
  /** It is inside a run that is over or being ended, or in a place that only runs are put into: deny it everything. */
  | { readonly holding: 'ended'; readonly sentence: string };

/** Ends a run: kills what is left of it, logs why, tells the runner. Settles when no process of it is left. */
export type EndRun = (run: Run, cause: EndCause, denials: Denials) => Promise<void>;

export class RunTable {
  readonly #runs = new Map<ArtifactId, Run>();
  readonly #leftBehind = new Set<LeftBehind>();
  readonly #end: EndRun;
  readonly #base: () => string | null;

  /**
   * @param end how a run is ended; it is called once for each, and takes the run out of the table
   * @param base the control group below which the watchdog makes those of runs; null where it makes none
   */
  constructor(end: EndRun, base: () => string | null) {
    this.#end = end;
    this.#base = base;
  }

  /** How many runs live, or are being ended. */
  get size(): number {
    return this.#runs.size;
  }

  /** The runs that live. */
  get live(): readonly Run[] {
    return [...this.#runs.values()].filter(({ state }) => state === 'live');
  }

  /** The run that this lease (the id of the record that opened it) is of; null once it is over. */
  find(lease: ArtifactId): Run | null {
    return this.#runs.get(lease) ?? null;
  }

  add(run: Run): void {
    this.#runs.set(run.lease.id, run);
  }

  /** What a daemon left behind counts as ended while something of it may still live. */
  addLeftBehind(left: LeftBehind): void {
    this.#leftBehind.add(left);
  }

  removeLeftBehind(left: LeftBehind): void {
    this.#leftBehind.delete(left);
  }

  /** Takes a run out of which nothing is left. */
  remove({ lease }: Run): void {
    this.#runs.delete(lease.id);
  }

  /** The run that a process at this place is inside of, whether it says so or not. */
  holding(place: ProcessPlace): Holding {
    const left = [...this.#leftBehind].find(({ record }) => holds(record, place));
    if (left !== undefined)
      return { holding: 'ended', sentence: `the caller is inside the run ${left.lease.id}, which has ended` };
    const around = [...this.#runs.values()].filter((run) => holds(run, place));
    const ended = around.find(({ state }) => state !== 'live');
    if (ended !== undefined)
      return {
        holding: 'ended',
        sentence: `the caller is inside the run ${ended.lease.id}, which has ended`,
      };
    const [first, ...others] = around;
    if (first !== undefined) return { holding: 'live', run: others.reduce(innermost, first) };
    const base = this.#base();
    if (base === null || place.cgroup === null || !isWithinCgroup(place.cgroup, base))
      return { holding: 'none' };
    return {
      holding: 'ended',
      sentence: `the caller is in ${place.cgroup}, the group of a run that has ended`,
    };
  }

  /**
   * Ends every live run that `isOver` picks, at once: the kill orders are out when this returns. Settles when no process of
   * these runs is left, with how many they were.
   */
  async endWhere(isOver: (run: Run) => boolean, cause: EndCause, denials: Denials): Promise<number> {
    const over = this.live.filter(isOver);
    await Promise.all(over.map((run) => this.#end(run, cause, denials)));
    return over.length;
  }

  /** A client's connection is gone, and with it whoever ran its runs. */
  hungUp(session: ClientSession): void {
    void this.endWhere((run) => run.session === session, 'runner-gone', [runnerGone]);
  }
}

const runnerGone = {
  code: 'IDENTITY_MISMATCH',
  message: 'whoever ran it is gone',
  remedy: 'Run it again.',
} as const;

function holds({ confinement }: Pick<Run, 'confinement'>, { cgroup, pidNamespaces }: ProcessPlace): boolean {
  if (confinement.kind === 'pid-namespace' && pidNamespaces.includes(confinement.namespace)) return true;
  return confinement.cgroup !== null && cgroup !== null && isWithinCgroup(cgroup, confinement.cgroup);
}

/** Runs around one process lie inside one another, so one of two was started later: inside the other. */
function innermost(one: Run, other: Run): Run {
  return other.lease.index > one.lease.index ? other : one;
}
