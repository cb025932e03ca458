/** Where the unified hierarchy of control groups is mounted (cgroups(7)). */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The directory of its mount, or null where there is none. */
export function cgroupMount(): string | null {
  return parseCgroupMount(readFileSync('/proc/self/mountinfo', 'utf8'));
}

/** Picks it out of the lines of a mountinfo file (proc_pid_mountinfo(5)), where spaces and the like are octal escapes. */
export function parseCgroupMount(mountinfo: string): string | null {
  const directory = /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(mountinfo)?.[1];
  return (
    directory?.replace(/\\([0-7]{3})/g, (_all, digits: string) =>
      String.fromCharCode(Number.parseInt(digits, 8)),
    ) ?? null
  );
}

/** Whether a group is there, by its path in /proc/PID/cgroup. Without a mount nobody can tell, and nothing says that it is gone. */
export function cgroupExists(path: string): boolean {
  const mount = cgroupMount();
  return mount === null || existsSync(join(mount, path));
}
