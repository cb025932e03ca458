/** The parts of a daemon that spread revocations: the feed of its subscribers, and the standing status. */

import type { Logger } from 'pino';
import type { Log } from '../log/log.js';
import type { LogViews } from '../state/views.js';
import type { Config } from './config.js';
import { artifactOf, sealRecord } from './pipeline/seal.js';
import { recordHead, type Stamped } from './records.js';
import { RevocationFeed } from './revocation-feed.js';
import { StandingStatus } from './standing-status.js';

export interface RevocationServices {
  readonly revocationFeed: RevocationFeed;
  readonly standingStatus: StandingStatus;
}

export function revocationServices(
  { status, stateDirectory }: Pick<Config, 'status' | 'stateDirectory'>,
  log: Log,
  views: LogViews,
  vkey: string,
  stamped: Stamped,
  logger: Logger,
): RevocationServices {
  return {
    revocationFeed: new RevocationFeed(log, views, (cause) =>
      logger.error({ err: cause }, 'cut off a subscriber: the revocations cannot be read'),
    ),
    standingStatus: new StandingStatus({
      log,
      views,
      clock: stamped.clock,
      record: (content) => ({ ...recordHead(stamped), ...content }),
      settings: status,
      stateDirectory,
      seal: (record) => sealRecord({ log }, record),
      envelopeText: (sealed) => JSON.stringify(artifactOf({ vkey }, sealed).artifact),
      onTrouble: (reason) => logger.warn({ trouble: reason }, 'no standing status of the log could be made'),
    }),
  };
}
