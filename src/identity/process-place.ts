/**
 * Where a process stands in the two trees of the kernel that runs are confined by: control groups and PID namespaces. A process
 * can make groups and namespaces below its own, and never leaves upwards what it has no right to leave.
 */

export interface ProcessPlace {
  /** Path of the control group in the unified hierarchy (cgroups(7)); null where the kernel shows none. */
  readonly cgroup: string | null;
  /** Inode numbers of its PID namespace and of those around it, innermost first, out to the daemon's own. */
  readonly pidNamespaces: readonly string[];
}

/** Whether a control group is the other one or lies below it. */
export function isWithinCgroup(path: string, group: string): boolean {
  return path === group || path.startsWith(`${group}/`);
}
