/** The snapshots of the views, made while the daemon serves. */

import type { Logger } from 'pino';
import type { OpenedViews } from '../state/open-views.js';
import { Snapshots } from '../state/snapshots.js';
import { sealRecord } from './pipeline/seal.js';
import { recordHead } from './records.js';
import type { Services } from './services.js';

/** Makes one whenever there is enough behind the last. */
export function openSnapshots(
  services: Services,
  { recovered, views, store, snapshotSize }: OpenedViews,
  logger: Logger,
): Snapshots {
  const { origin, log } = services;
  return new Snapshots(
    {
      origin,
      store,
      views,
      journal: recovered.journal,
      tree: recovered.tree,
      sealedSize: () => log.seal?.size ?? 0,
      log: async (content) =>
        (await sealRecord(services, { ...recordHead(services), ...content })).outcome === 'sealed',
      onTrouble: (trouble) => logger.warn({ trouble }, 'the next start will read more of the log'),
    },
    snapshotSize,
  );
}
