/** The checks in their order, and what they come to. */

import { errnoName } from '../../kernel/errno.js';
import type { Deployment } from './deployment.js';
import { checkDisk } from './disk.js';
import { type CheckName, type Finding, type Outcome, verdictsOf } from './finding.js';
import { checkClock, checkLog } from './log.js';
import { checkKernel, checkVersions } from './machine.js';
import { isClosed } from './permissions.js';
import { checkDaemon, checkSocket } from './service.js';
import { checkConfiguration, checkPolicy } from './settings.js';
import { checkKeysFile, checkState, checkTrust } from './state-files.js';
import { checkToken } from './token.js';
import { checkTpm } from './tpm.js';

type Check = (deployment: Deployment) => Finding[] | Promise<Finding[]>;

/** Checks that find nothing, and would say something wrong, where this user may not look into the state directory. */
const insideState: ReadonlySet<CheckName> = new Set(['keys file', 'trust', 'token', 'TPM', 'disk', 'log']);

const checks: readonly (readonly [CheckName, Check])[] = [
  ['versions', checkVersions],
  ['configuration', checkConfiguration],
  ['policy', checkPolicy],
  ['state', checkState],
  ['keys file', checkKeysFile],
  ['trust', checkTrust],
  ['socket', checkSocket],
  ['daemon', checkDaemon],
  ['token', checkToken],
  ['TPM', checkTpm],
  ['disk', checkDisk],
  ['log', checkLog],
  ['clock', (deployment) => checkClock(deployment)],
  ['kernel', (deployment) => checkKernel(deployment)],
];

/** Runs every check. What the file system refuses to one of them is its finding; the others go on. */
export async function examine(deployment: Deployment): Promise<Finding[]> {
  const findings: Finding[] = [];
  const closed = isClosed(deployment.locations.stateDirectory);
  const unread = closed && deployment.configuration.read === 'no';
  for (const [name, check] of checks) {
    if ((closed && insideState.has(name)) || (unread && name === 'configuration')) {
      findings.push(verdictsOf(name).skipped('this user may not look into the state directory'));
      continue;
    }
    try {
      findings.push(...(await check(deployment)));
    } catch (cause) {
      if (errnoName(cause) === null) throw cause;
      const remedy =
        'Run writ doctor as the owner of the state directory or as root; otherwise check the disk.';
      findings.push(verdictsOf(name).failed(`could not be looked at: ${(cause as Error).message}`, remedy));
    }
  }
  return findings;
}

/** How many findings there are of each outcome. */
export function tally(findings: readonly Finding[]): Readonly<Record<Outcome, number>> {
  const count = (outcome: Outcome) => findings.filter((finding) => finding.outcome === outcome).length;
  return { ok: count('ok'), warning: count('warning'), failed: count('failed'), skipped: count('skipped') };
}
