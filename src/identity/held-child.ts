/**
 * The process that a launcher holds back until its lease is open, as the kernel shows it: a child of the launcher that has not
 * executed anything yet. What the launcher says of it plays no part but for its pid.
 */

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { type Denial, denial } from '../format/denial.js';
import type { RunProcess } from '../format/lease.js';
import { nativeAddon } from '../kernel/addon.js';
import { errnoName } from '../kernel/errno.js';
import { ProcessReadError, readCgroup, readProcessStat } from '../kernel/process.js';
import { type ProcessStatus, readProcessStatus } from '../kernel/process-status.js';

export interface HeldChild {
  /** As the daemon sees it. */
  readonly process: RunProcess;
  readonly status: ProcessStatus;
  /** The PID namespace that begins with it; null where it is in its launcher's. */
  readonly ownPidNamespace: string | null;
  readonly cgroup: string | null;
}

export type ChildLook =
  | { readonly outcome: 'seen'; readonly child: HeldChild }
  | { readonly outcome: 'denied'; readonly denial: Denial<'IDENTITY_MISMATCH'> };

/**
 * Looks at the child of `runner` that has the pid `child` in the runner's own PID namespace. Denied with IDENTITY_MISMATCH when it
 * is no child of it, has executed something already, ended meanwhile, or cannot be seen.
 */
export function lookAtChild(runner: RunProcess, child: number): ChildLook {
  try {
    const pid = pidOfChild(runner.pid, child);
    if (pid === null) return denied(`the caller has no child with the pid ${child}`);
    const { startTime, state } = readProcessStat(pid);
    const status = readProcessStatus(pid);
    if (status.parentPid !== runner.pid) return denied(`process ${child} is no child of the caller`);
    if (!executesTheSame(runner.pid, pid)) return denied(`process ${child} executes something already`);
    const ownPidNamespace = namespaceBegunBy(pid, status);
    const cgroup = readCgroup(pid);
    // What was read between two equal looks at its start time is about one process.
    const after = readProcessStat(pid);
    if (
      after.startTime !== startTime ||
      [state, after.state].some((letter) => letter === 'Z' || letter === 'X')
    )
      return denied(`process ${child} has ended`);
    return { outcome: 'seen', child: { process: { pid, startTime }, status, ownPidNamespace, cgroup } };
  } catch (cause) {
    if (cause instanceof ProcessReadError) return denied(`process ${child} cannot be seen: ${cause.message}`);
    const code = errnoName(cause);
    if (code === null) throw cause;
    return denied(`process ${child} cannot be seen: ${code}`);
  }
}

/** Whether a process that was seen before is still there and alive. */
export function isRunning({ pid, startTime }: RunProcess): boolean {
  try {
    const now = readProcessStat(pid);
    return now.startTime === startTime && now.state !== 'Z' && now.state !== 'X';
  } catch (cause) {
    if (cause instanceof ProcessReadError) return false;
    throw cause;
  }
}

/** A launcher in a PID namespace of its own counts otherwise than the daemon does. */
function pidOfChild(runnerPid: number, child: number): number | null {
  const depth = readProcessStatus(runnerPid).namespacePids.length - 1;
  if (depth === 0) return child;
  const children = readdirSync(`/proc/${runnerPid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${runnerPid}/task/${thread}/children`, 'latin1')
      .split(' ')
      .filter(Boolean)
      .map(Number),
  );
  return children.find((pid) => readProcessStatus(pid).namespacePids[depth] === child) ?? null;
}

/** A forked process executes what its parent does, until it executes something else. */
function executesTheSame(runnerPid: number, pid: number): boolean {
  const [runner, child] = [executableOf(runnerPid), executableOf(pid)];
  return runner === child;
}

/** Null where the process hides it (PR_SET_DUMPABLE): executing a program would uncover it. */
function executableOf(pid: number): string | null {
  try {
    const { dev, ino } = statSync(`/proc/${pid}/exe`, { bigint: true });
    return `${dev} ${ino}`;
  } catch (cause) {
    if (errnoName(cause) === 'EACCES') return null;
    throw cause;
  }
}

function namespaceBegunBy(pid: number, { namespacePids }: ProcessStatus): string | null {
  if (namespacePids.length < 2 || namespacePids.at(-1) !== 1) return null;
  return nativeAddon().pidNamespaces(pid)[0] ?? null;
}

function denied(message: string): ChildLook {
  const remedy = 'Name a child of yours that waits, already confined, and executes nothing yet.';
  return { outcome: 'denied', denial: denial('IDENTITY_MISMATCH', message, remedy) };
}
