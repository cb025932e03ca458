/**
 * Runs that a daemon left behind when it died: the log has their leases and no end. Their watchdog keeps them to their deadlines;
 * when nothing is left of one, its end is logged. Until then whoever is inside of one is inside a run that has ended.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type { LeaseRecord } from '../../format/lease.js';
import { isRunning } from '../../identity/held-child.js';
import { cgroupExists } from '../../kernel/cgroup-mount.js';
import type { Logged } from './run.js';

/** A lease without an end, as it was opened. */
export interface LeftBehind {
  readonly lease: Logged;
  readonly record: LeaseRecord;
}

const pollMs = 100;

/** Settles when nothing is left of the run. `boot`: this boot of the machine; what ran in another is gone. */
export async function whenGone({ record }: LeftBehind, boot: string): Promise<void> {
  while (record.deadline.boot === boot && isThere(record)) await pause(pollMs, undefined, { ref: false });
}

function isThere({ process, confinement }: LeaseRecord): boolean {
  return isRunning(process) || (confinement.cgroup !== null && cgroupExists(confinement.cgroup));
}
