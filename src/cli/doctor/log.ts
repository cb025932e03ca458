/** Checks of the log and of the clock that its times come from. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { formatInstant } from '../../format/time.js';
import { AddonError, nativeAddon } from '../../kernel/addon.js';
import { errnoName } from '../../kernel/errno.js';
import { checkLog as recompute } from '../../log/check.js';
import { type Deployment, mayDaemonRun } from './deployment.js';
import { type Finding, verdictsOf } from './finding.js';
import { loadTrustFile } from './state-files.js';

export async function checkLog(deployment: Deployment): Promise<Finding[]> {
  const { log, options } = deployment;
  const { ok, failed, skipped, warning } = verdictsOf('log');
  switch (log.end) {
    case 'none':
      return [beforeTheFirstEntry(deployment)];
    case 'unreadable':
      if (log.code === 'EACCES')
        return [skipped('this user may not read the log; run writ doctor as its owner or as root')];
      return [
        failed(`the log cannot be read: ${log.code}`, 'Check the disk and what lies in the state directory.'),
      ];
    case 'damaged':
      return [
        failed(
          `the log is damaged (${log.where}): ${log.what}`,
          'Keep the directory as it is for whoever examines it; restore the state from a backup (docs/operating.md).',
        ),
      ];
    case 'sound': {
      if (options.fullLog) return [await checkWhole(deployment)];
      const { entries, sealedSize, publishedSize, unfinishedBytes } = log;
      const text = `${entries} entries, ${sealedSize} sealed, ${publishedSize} published; the newest seal is signed by a pinned key`;
      if (unfinishedBytes > 0 && !mayDaemonRun(deployment))
        return [
          warning(
            `${text}; the last write, ${unfinishedBytes} bytes, was torn`,
            'Nothing: writd cuts it off when it starts, and refuses to start if anything sealed is behind it.',
          ),
        ];
      return [ok(`${text} (a look at the end; --log recomputes all of it)`)];
    }
  }
}

/** Nothing is logged: as it should be before the first start, and a loss once there is an identity. */
function beforeTheFirstEntry({ locations: { stateDirectory } }: Deployment): Finding {
  const { failed, skipped } = verdictsOf('log');
  if (!existsSync(join(stateDirectory, 'daemon.json')) || existsSync(join(stateDirectory, 'journal')))
    return skipped('there is no log yet; the daemon begins it at its first start');
  return failed(
    `${join(stateDirectory, 'daemon.json')} names a log, but its journal is missing: its entries are lost`,
    'Restore the state directory from a backup; a log that starts again under the same key would be a fork.',
  );
}

async function checkWhole({ locations: { stateDirectory } }: Deployment): Promise<Finding> {
  const { ok, failed, skipped } = verdictsOf('log');
  const { trust } = loadTrustFile(join(stateDirectory, 'trust.json'));
  if (trust === null) return skipped('the whole log cannot be checked without a trust bundle (see trust)');
  const directories = { log: join(stateDirectory, 'log'), journal: join(stateDirectory, 'journal') };
  const check = await recompute(directories, trust);
  if (check.outcome === 'whole')
    return ok(`whole: ${check.checkpoint.size} entries recomputed, the root is signed by the pinned log key`);
  return failed(
    `the log is damaged (${check.where}): ${check.what}`,
    'Keep the directory as it is for whoever examines it; restore the state from a backup (docs/operating.md).',
  );
}

/** A wall clock this little behind the last logged time is what time corrections do; the daemon bears it too. */
const jitterMs = 1_000;

/** The wall clock, and whether the kernel takes it for synchronised (adjtimex(2)); null where it does not tell. */
export interface ClockFacts {
  readonly nowMs: number;
  readonly synchronised: boolean | null;
}

export function checkClock({ log }: Pick<Deployment, 'log'>, clock: ClockFacts = readClock()): Finding[] {
  const { ok, failed, skipped, warning } = verdictsOf('clock');
  const { nowMs, synchronised } = clock;
  const last = log.end === 'sound' ? log.lastTimeMs : null;
  if (last !== null && nowMs < last - jitterMs)
    return [
      failed(
        `the clock says ${formatInstant(nowMs)}, but the log already reached ${formatInstant(last)}`,
        'Correct the clock, and let a time service keep it; until then nothing is granted (CLOCK_UNTRUSTED).',
      ),
    ];
  const behind = last === null ? '' : `, not behind the log (${formatInstant(last)})`;
  if (synchronised === null)
    return [skipped(`${formatInstant(nowMs)}${behind}; whether it is synchronised is not told here`)];
  if (synchronised) return [ok(`${formatInstant(nowMs)}, synchronised${behind}`)];
  return [
    warning(
      `${formatInstant(nowMs)}${behind}, but the kernel does not take its clock for synchronised`,
      'Run a time service (chrony, systemd-timesyncd); in a virtual machine without one, check what the host does.',
    ),
  ];
}

function readClock(): ClockFacts {
  const nowMs = Date.now();
  try {
    return { nowMs, synchronised: nativeAddon().clockSynchronised() };
  } catch (cause) {
    if (!(cause instanceof AddonError) && errnoName(cause) === null) throw cause;
    return { nowMs, synchronised: null };
  }
}
