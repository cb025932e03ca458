/** A client and a place for tests that call the daemon's parts themselves: no socket, no process. */

import { ClientSession } from '../../src/daemon/client-session.js';
import { Observation } from '../../src/daemon/lineage/observation.js';
import { PeerConnection } from '../../src/identity/peer.js';
import type { ProcessPlace } from '../../src/identity/process-place.js';
import { peer } from '../verify/sealed-artifact.js';

/** The first PID namespace (PROC_PID_INIT_INO), and no run's control group. */
export const outside: ProcessPlace = { cgroup: '/user.slice', pidNamespaces: ['4026531836'] };

export function unconnectedSession(): ClientSession {
  const push = { notify: () => undefined, unreadBytes: 0, hangUp: () => undefined };
  const observation = new Observation({ holding: () => ({ holding: 'none' }), find: () => null });
  return new ClientSession(new PeerConnection(peer, null), push, observation);
}
