/**
 * Whether a daemon owns a state directory, told without touching its lock: to try the lock would keep a daemon that starts
 * at that moment from starting. The kernel lists the locks (proc_locks(5)).
 */

import { readFileSync, statSync } from 'node:fs';
import { errnoName } from '../../kernel/errno.js';

/** `unknown`: this user or system cannot tell, so a daemon may be there. `pid` is null for one of another PID namespace. */
export type LockState =
  | { readonly lock: 'free' }
  | { readonly lock: 'held'; readonly pid: number | null }
  | { readonly lock: 'unknown' };

/** Looks for the lock on the file at `path`. `locksFile` is /proc/locks, or a record of one. */
export function lockState(path: string, locksFile = '/proc/locks'): LockState {
  try {
    const { ino } = statSync(path, { bigint: true });
    return lockOn(ino, readFileSync(locksFile, 'utf8'));
  } catch (cause) {
    const missing = errnoName(cause) === 'ENOENT' && process.platform === 'linux';
    return missing ? { lock: 'free' } : { lock: 'unknown' };
  }
}

/**
 * Lines are `1: FLOCK  ADVISORY  WRITE 10137 fe:00:2237596 0 EOF`; one with `->` waits for the lock. The device is left out
 * of the comparison: some file systems show another here than stat(2) does, and a wrong match only makes us careful.
 */
function lockOn(inode: bigint, locks: string): LockState {
  for (const line of locks.split('\n')) {
    const [, pid, locked] =
      /^\d+: FLOCK +ADVISORY +WRITE +(-?\d+) [0-9a-f]+:[0-9a-f]+:(\d+) /.exec(line) ?? [];
    if (locked === String(inode)) return { lock: 'held', pid: Number(pid) > 0 ? Number(pid) : null };
  }
  return { lock: 'free' };
}
