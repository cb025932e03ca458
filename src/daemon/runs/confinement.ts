/** Whether what holds a run together is what its artifact asks for; by what the daemon sees, not by what the launcher says. */

import { type Denial, denial } from '../../format/denial.js';
import type { Confinement } from '../../format/lease.js';
import type { Peer, Scope } from '../../format/predicate.js';
import type { HeldChild } from '../../identity/held-child.js';
import type { WatchdogFacts } from './watchdog-link.js';

export type Confining =
  | { readonly outcome: 'confined'; readonly confinement: Confinement }
  | { readonly outcome: 'denied'; readonly denial: Denial<'ENVIRONMENT_MISMATCH'> };

/**
 * The confinement of a held child that the watchdog guards. `cgroup`: the group that the watchdog made for it, and found it in.
 * ENVIRONMENT_MISMATCH where nothing holds its tree, unless the scope accepts that.
 */
export function confinementOf(
  scope: Scope,
  { status, ownPidNamespace }: HeldChild,
  cgroup: string | null,
  watchdog: WatchdogFacts,
): Confining {
  const [uid = 0] = status.uids;
  // The watchdog kills by signal what it has no group for.
  if (watchdog.uid !== 0 && watchdog.uid !== uid)
    return denied(
      `the watchdog runs as uid ${watchdog.uid} and cannot kill processes of uid ${uid}`,
      'Run the watchdog as a service of root (watchdog.socket in writ.toml; docs/operating.md).',
    );
  if (ownPidNamespace !== null)
    return confined({ kind: 'pid-namespace', namespace: ownPidNamespace, cgroup });
  // Whoever is root, or can become it by executing a program, leaves every group.
  const isBelowGroup = watchdog.uid === 0 && uid !== 0 && status.noNewPrivileges && !status.hasCapabilities;
  if (cgroup !== null && isBelowGroup) return confined({ kind: 'cgroup', cgroup });
  if (scope.execution?.confine === 'best-effort') return confined({ kind: 'best-effort', cgroup });
  return denied(
    cgroup === null
      ? 'nothing holds the processes of the run together: neither a control group nor a PID namespace'
      : 'the run could leave its control group, and is in no PID namespace of its own',
    'Run it in a PID namespace, or ask for an authorization that accepts best effort (--confine best-effort).',
  );
}

/**
 * Whether the child runs as whom the scope says, or as whoever redeemed what is bound to a key: all its ids, and its groups.
 * IDENTITY_MISMATCH for each that differs.
 */
export function identityFaults(scope: Scope, runner: Peer, { status }: HeldChild): Denial[] {
  const faults: string[] = [];
  const { uid, gid, groups } = identityOf(scope, runner);
  if (status.uids.some((each) => each !== uid)) faults.push(`uid ${uid}`);
  if (status.gids.some((each) => each !== gid)) faults.push(`gid ${gid}`);
  if (groups.join() !== [...new Set(status.groups)].join()) faults.push('the groups of its scope');
  return faults.map((what) => denial('IDENTITY_MISMATCH', `the held process does not run with ${what}`));
}

function identityOf(scope: Scope, runner: Peer): Pick<Peer, 'uid' | 'gid' | 'groups'> {
  if (typeof scope.bind !== 'object')
    return { uid: scope.uid, gid: scope.gid, groups: scope.execution?.groups ?? [] };
  const groups = [...new Set(runner.groups)].sort((left, right) => left - right);
  return { uid: runner.uid, gid: runner.gid, groups };
}

function confined(confinement: Confinement): Confining {
  return { outcome: 'confined', confinement };
}

function denied(message: string, remedy: string): Confining {
  return { outcome: 'denied', denial: denial('ENVIRONMENT_MISMATCH', message, remedy) };
}
