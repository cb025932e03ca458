/**
 * Where a process stands in the two trees of the kernel that runs are confined by: control groups and PID namespaces. A process
 * can make groups and namespaces below its own, and never leaves upwards what it has no right to leave.
 */

import { type Denial, denial } from '../format/denial.js';
import { nativeAddon } from '../kernel/addon.js';
import { errnoName } from '../kernel/errno.js';
import { ProcessReadError, readNamespace } from '../kernel/process.js';
import { readProcessStatus } from '../kernel/process-status.js';
import type { PeerConnection } from './peer.js';

export interface ProcessPlace {
  /** Path of the control group in the unified hierarchy (cgroups(7)); null where the kernel shows none. */
  readonly cgroup: string | null;
  /** Inode numbers of its PID namespace and of those around it, innermost first, out to the daemon's own. */
  readonly pidNamespaces: readonly string[];
}

export type Placing =
  | { readonly outcome: 'placed'; readonly place: ProcessPlace }
  | { readonly outcome: 'denied'; readonly denial: Denial<'IDENTITY_MISMATCH'> };

let daemonsOwn: string | null = null;

/**
 * The place of a peer whose control group was just read, and its PID namespace too unless that is null. A place that cannot be
 * read is denied: whoever hides it could be inside any run.
 */
export function placeOf(
  connection: PeerConnection,
  cgroup: string | null,
  pidNamespace: string | null,
): Placing {
  daemonsOwn ??= readNamespace('self', 'pid');
  if (pidNamespace === daemonsOwn)
    return { outcome: 'placed', place: { cgroup, pidNamespaces: [pidNamespace] } };
  const { pid } = connection.facts;
  let pidNamespaces: readonly string[];
  try {
    pidNamespaces = nativeAddon().pidNamespaces(pid);
  } catch (cause) {
    const code = errnoName(cause);
    if (code === null) throw cause;
    // A process may hide its namespaces (PR_SET_DUMPABLE), but not how many there are around it: one is the daemon's own.
    if (code === 'EACCES' && isAlone(pid) && connection.isAlive())
      return { outcome: 'placed', place: { cgroup, pidNamespaces: [daemonsOwn] } };
    return hidden(`the PID namespaces of process ${pid} cannot be read: ${code}`);
  }
  // While it lives a process stays in its namespace, and that in those around it.
  if (!connection.isAlive()) return hidden(`process ${pid}, which opened this connection, has ended`);
  return { outcome: 'placed', place: { cgroup, pidNamespaces } };
}

/** Whether a process is in no PID namespace but the daemon's own. */
function isAlone(pid: number): boolean {
  try {
    return readProcessStatus(pid).namespacePids.length === 1;
  } catch (cause) {
    if (cause instanceof ProcessReadError) return false;
    throw cause;
  }
}

/** Whether a control group is the other one or lies below it. */
export function isWithinCgroup(path: string, group: string): boolean {
  return path === group || path.startsWith(`${group}/`);
}

function hidden(message: string): Placing {
  const remedy = 'Open a connection from the process that asks, where the daemon can see it.';
  return { outcome: 'denied', denial: denial('IDENTITY_MISMATCH', message, remedy) };
}
