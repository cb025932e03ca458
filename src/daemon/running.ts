/** A daemon that serves, and how it is taken down: what came up last goes first. */

import { rm } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Signer } from '../hsm/signer.js';
import type { LogIndex } from '../state/index-follower.js';
import type { Snapshots } from '../state/snapshots.js';
import type { ViewStore } from '../state/view-store.js';
import type { Config } from './config.js';
import type { FaultTally } from './fault-tally.js';
import type { GenerationGuard } from './generation-guard.js';
import type { Machine } from './machine.js';
import { sealRecord } from './pipeline/seal.js';
import { recordHead } from './records.js';
import type { SocketServer } from './server.js';
import type { Services } from './services.js';
import type { OpenTpm } from './tpm.js';

export interface Daemon {
  /** Stops taking requests, answers those in flight, seals the end, and closes everything. */
  stop(reason: string): void;
  /** Settles with the exit code once everything is closed. */
  readonly ended: Promise<number>;
}

/** Everything that has to be closed. */
export interface Running {
  readonly config: Config;
  readonly services: Services;
  readonly machine: Machine;
  readonly guard: GenerationGuard;
  readonly signer: Signer;
  readonly index: LogIndex;
  readonly snapshots: Snapshots;
  readonly store: ViewStore;
  /** Null while the log's keys are handed over, when nobody is served. */
  readonly server: SocketServer | null;
  readonly tally: FaultTally;
  readonly logger: Logger;
  readonly openedTpm: OpenTpm | null;
  /** Called last, when all else is closed: takes over with new keys where that is due, and gives up the lock. */
  readonly release: () => Promise<void> | void;
}

/** The daemon made of parts that are all up. */
export function running(parts: Running): Daemon {
  let end: (code: number) => void = () => undefined;
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  let stopping = false;
  return {
    ended,
    stop: (reason) => {
      if (stopping) return;
      stopping = true;
      parts.logger.info({ reason, connections: parts.server?.connectionCount ?? 0 }, 'stopping');
      takeDown(parts).then(
        () => end(0),
        (cause: unknown) => {
          parts.logger.fatal({ err: cause }, 'could not stop cleanly; the next start will recover');
          end(1);
        },
      );
    },
  };
}

async function takeDown({
  config,
  services,
  machine,
  guard,
  signer,
  index,
  snapshots,
  store,
  server,
  tally,
  logger,
  openedTpm,
  release,
}: Running): Promise<void> {
  // While whoever runs them can still be told.
  await services.governed.stop();
  if (server !== null) {
    await server.close();
    await rm(config.socketPath, { force: true });
  }
  tally.flush();
  await services.tpm?.attestation.close();
  await services.standingStatus.close();
  await snapshots.close();
  services.log.end();
  const sealing = await sealRecord(services, {
    type: 'urn:writ:stop:v1',
    ...recordHead(services),
    daemon: services.daemonId,
  });
  if (sealing.outcome === 'unsealed')
    logger.warn({ denial: sealing.denial }, 'the end of this run could not be sealed');
  // Whoever was taken back must not end as if nothing were missing.
  guard.check();
  // Nothing is logged behind the last anchor: so the next start can tell that nothing is missing.
  await services.tpm?.anchoring.close();
  await index.close();
  await services.log.close();
  await store.close();
  await signer.close();
  await openedTpm?.close();
  await machine.close();
  guard.close();
  await release();
  logger.info('stopped');
}
