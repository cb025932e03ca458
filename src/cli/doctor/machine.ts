/** Checks of what Writ stands on: its own installation, and what the kernel offers. */

import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { AddonError, nativeAddon } from '../../kernel/addon.js';
import { errnoName } from '../../kernel/errno.js';
import { projectRoot } from '../../state/locations.js';
import type { Deployment } from './deployment.js';
import { type Finding, verdictsOf } from './finding.js';

export function checkVersions({ version }: Deployment): Finding[] {
  const { ok, failed } = verdictsOf('versions');
  const text = `writ ${version}, Node ${process.versions.node}, ${process.platform} ${release()} ${process.arch}`;
  try {
    nativeAddon();
    return [ok(text)];
  } catch (cause) {
    if (!(cause instanceof AddonError)) throw cause;
    return [failed(`${text}: ${cause.message}`, `In ${projectRoot}: npm ci, then npm run build.`)];
  }
}

/** Less than this, and the buffers for a PIN cannot be kept out of swap. */
const smallestLockedBytes = 64 << 10;

/** `root` stands for the root of /proc and /sys, or of a record of them. */
export function checkKernel({ lock }: Pick<Deployment, 'lock'>, root = '/'): Finding[] {
  if (process.platform !== 'linux')
    return [verdictsOf('kernel').skipped('there is nothing to look at: this is not Linux')];
  const daemonPid = lock.lock === 'held' ? lock.pid : null;
  return [pidfd(), landlock(root), cgroups(root), lockedMemory(root, daemonPid)];
}

function pidfd(): Finding {
  const { ok, skipped, warning } = verdictsOf('kernel');
  try {
    if (nativeAddon().supportsPeerPidfd()) return ok('SO_PEERPIDFD: callers are told apart beyond their pid');
  } catch (cause) {
    if (!(cause instanceof AddonError)) throw cause;
    return skipped('SO_PEERPIDFD cannot be looked for without the native addon');
  }
  return warning(
    'no SO_PEERPIDFD: a caller that ended could be taken for another process that got its pid',
    'Use Linux 6.5 or newer.',
  );
}

function landlock(root: string): Finding {
  const { ok, skipped, warning } = verdictsOf('kernel');
  const modules = textOf(join(root, 'sys/kernel/security/lsm'));
  if (modules === null)
    return skipped('Landlock: not known, because /sys/kernel/security is not mounted or not readable');
  if (modules.trim().split(',').includes('landlock')) return ok('Landlock is there');
  return warning(
    `no Landlock among the security modules (${modules.trim()})`,
    'Start the kernel with landlock in its lsm= parameter; nothing in this version depends on it yet.',
  );
}

function cgroups(root: string): Finding {
  const { ok, warning } = verdictsOf('kernel');
  const mounts = (textOf(join(root, 'proc/self/mountinfo')) ?? '').split('\n');
  // mountinfo (proc_pid_mountinfo(5)): the fifth field is the mount point, the file system follows the lone hyphen.
  const point = mounts.find((line) => / - cgroup2 /.test(line))?.split(' ')[4];
  if (point === undefined)
    return warning(
      'no cgroup v2 hierarchy is mounted: callers are known by the groups of systemd alone, if there are any',
      'Mount it (systemd.unified_cgroup_hierarchy=1).',
    );
  return ok(`cgroup v2 is mounted at ${point}`);
}

function lockedMemory(root: string, daemonPid: number | null): Finding {
  const { ok, skipped, warning } = verdictsOf('kernel');
  const whose = daemonPid === null ? 'this process' : `the daemon (pid ${daemonPid})`;
  const limits = textOf(join(root, 'proc', String(daemonPid ?? 'self'), 'limits'));
  const limit = /^Max locked memory +(\d+|unlimited)/m.exec(limits ?? '')?.[1];
  if (limit === undefined) return skipped(`the limit of locked memory of ${whose} cannot be read`);
  if (limit === 'unlimited' || Number(limit) >= smallestLockedBytes)
    return ok(`${whose} may lock ${limit === 'unlimited' ? 'any amount' : `${limit} bytes`} of memory`);
  return warning(
    `${whose} may lock only ${limit} bytes of memory: a PIN could get into swap`,
    'Raise it (systemd: LimitMEMLOCK=1M).',
  );
}

/** Null where there is no such file, or not for this user. */
function textOf(path: string): string | null {
  try {
    return existsSync(path) ? readFileSync(path, 'utf8') : null;
  } catch (cause) {
    if (errnoName(cause) === null) throw cause;
    return null;
  }
}
