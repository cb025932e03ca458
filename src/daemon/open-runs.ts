/** Governed runs, put together with the log and the logger: the part of the composition root that is about them. */

import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import { decodeRecord } from '../format/record.js';
import { LogDamageError } from '../log/damage.js';
import type { Log } from '../log/log.js';
import type { LogViews } from '../state/views.js';
import type { Config } from './config.js';
import { sealRecord } from './pipeline/seal.js';
import { recordHead, type Stamped } from './records.js';
import { GovernedRuns } from './runs/governed-runs.js';

export interface OpenRunsParts {
  readonly stamped: Stamped;
  readonly log: Log;
  readonly views: LogViews;
  readonly logger: Logger;
}

/** Sees to the ends of the runs that the log has open: a daemon died over them. Rejects where the log cannot be read. */
export async function buryLeftBehind(
  runs: GovernedRuns,
  { log, views }: Pick<OpenRunsParts, 'log' | 'views'>,
  boot: string,
): Promise<void> {
  for (const index of views.runs.openLeases) {
    const { id, payload } = await log.read(index);
    const record = decodeRecord(payload);
    if (record.type !== 'urn:writ:lease:v1') throw new LogDamageError(`log entry ${index} is no lease`);
    runs.bury({ lease: { id, index }, record }, boot);
  }
}

/** The runs of a daemon that has none yet; nothing is started. */
export function openRuns(
  { stateDirectory, watchdogSocket }: Config,
  { stamped, log, views, logger }: OpenRunsParts,
): GovernedRuns {
  // Two daemons on one machine must not take each other's runs for abandoned ones.
  const name = createHash('sha256').update(stamped.origin).update(stateDirectory).digest('hex').slice(0, 16);
  return new GovernedRuns({
    name,
    watchdogSocket,
    head: () => recordHead(stamped),
    logEnd: (record, inputs) => sealRecord({ log }, record, inputs),
    isOpen: (leaseIndex) => views.runs.isOpen(leaseIndex),
    onWatchdog: (trouble) => {
      if (trouble === null) logger.info('the watchdog is ready');
      else logger.error({ trouble }, 'the watchdog is gone; its runs are ended, and none is begun');
    },
  });
}
