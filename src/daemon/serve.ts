/** The socket at work: connections are identified, and their requests taken in. */

import type { Logger } from 'pino';
import { ClientSession } from './client-session.js';
import type { Config } from './config.js';
import type { FaultTally } from './fault-tally.js';
import type { GenerationGuard } from './generation-guard.js';
import { Intake } from './intake.js';
import { Observation } from './lineage/observation.js';
import type { Machine } from './machine.js';
import { RedemptionQueue } from './methods/redeem.js';
import { SocketServer } from './server.js';
import type { Services } from './services.js';

export interface ServingParts {
  readonly machine: Machine;
  readonly guard: GenerationGuard;
  readonly tally: FaultTally;
  readonly logger: Logger;
  readonly onFatal: (cause: unknown) => void;
}

/** Listens; on return requests are served. Throws StartError where the socket cannot be made. */
export function serve(
  config: Config,
  services: Services,
  { machine, guard, tally, logger, onFatal }: ServingParts,
): Promise<SocketServer> {
  const intake = new Intake(services, machine, new RedemptionQueue(), guard);
  return SocketServer.listen({
    path: config.socketPath,
    mode: config.socketMode,
    group: config.socketGroup,
    maxConnections: config.maxConnections,
    maxInFlight: config.maxInFlightPerConnection,
    openSession: (socket, push) => {
      const peer = machine.connect(socket);
      const observation = new Observation(services.runs);
      // Where no run lives, none can be left between this and the first request.
      if (services.runs.size > 0) observation.observe(machine.placeOf(peer));
      const session = new ClientSession(peer, push, observation);
      const { uid, pid } = peer.facts;
      return {
        peerName: `uid ${uid} pid ${pid}`,
        answer: (request) => intake.answer(session, request),
        close: () => {
          session.close();
          services.revocationFeed.leave(session);
          services.runs.hungUp(session);
        },
      };
    },
    onFault: (peer, { code, message }) => {
      services.counters.increment(`faults.${code}`);
      tally.add(peer, code, message);
    },
    onUnidentified: (cause) =>
      logger.warn({ err: cause }, 'closed a connection whose peer cannot be identified'),
    onFatal,
  });
}
