/** The index over the log, and what lineages and evidence ask of it. */

import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Log } from '../log/log.js';
import type { RecoveredLog } from '../log/recovery.js';
import { type LogIndex, openIndex } from '../state/index-follower.js';
import type { Config } from './config.js';
import type { Services } from './services.js';
import { awaitedLater } from './under-way.js';

/** Opens it beside everything else; a failure is thrown where it is awaited. */
export function openingIndex(
  { stateDirectory }: Config,
  origin: string,
  log: Log,
  recovered: RecoveredLog,
  logger: Logger,
): Promise<LogIndex> {
  return awaitedLater(
    openIndex({
      path: join(stateDirectory, 'index.sqlite'),
      source: {
        origin,
        sealedSize: () => log.seal?.size ?? 0,
        rootAt: (size) => recovered.tree.root(size),
        frames: (from, to) => log.frames(from, to),
      },
      onTrouble: (sentence) =>
        logger.warn({ trouble: sentence }, 'the index is in trouble; nothing else depends on it'),
    }),
  );
}

/** How long a lineage waits for the index to catch up with the log. */
const indexTimeoutMs = 2000;

/** What the index says of relations between entries; whoever asks waits until it has caught up with the log. */
export function relatedEntries(opening: Promise<LogIndex>, log: Log): Services['related'] {
  const reached = async () => {
    const index = await opening;
    await index.reach(log.seal?.size ?? 0, indexTimeoutMs);
    return index;
  };
  // The index proves nothing, not even how long the log is.
  const inLog = (entries: readonly { readonly idx: number }[]) =>
    entries.map(({ idx }) => idx).filter((position) => position < log.size);
  return {
    children: async (id) => inLog(await (await reached()).children(id)),
    about: async (position) => inLog(await (await reached()).about(position)),
    newestBefore: async (kind, position, subject) => (await reached()).newestBefore(kind, position, subject),
  };
}
