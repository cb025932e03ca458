/** `revoke`: ends an artifact. It counts from the moment it is decided; only the answer waits for the seal. */

import { denial, unknownIdRemedy } from '../../format/denial.js';
import type { RevocationRecord } from '../../format/record.js';
import { formatInstant } from '../../format/time.js';
import { findGrant } from '../artifacts.js';
import type { Caller } from '../caller.js';
import { keptDecisions } from '../decision.js';
import { artifactRequest } from '../lineage/subtree.js';
import { decide } from '../pipeline/decide.js';
import type { Request } from '../pipeline/parse.js';
import { type RefusalContext, refuse } from '../pipeline/refuse.js';
import type { Granted } from '../pipeline/reply.js';
import { grantResult, sealRecord } from '../pipeline/seal.js';
import type { Services } from '../services.js';

export async function revoke(
  services: Services,
  caller: Caller,
  request: Extract<Request, { method: 'revoke' }>,
): Promise<Granted> {
  const context: RefusalContext = { caller, claims: {}, policy: null };
  const artifact = await findGrant(services, request.params.id);
  if (artifact === null) {
    return refuse(services, request, context, [
      denial('NO_AUTHORIZATION', 'the log holds no sealed artifact with this id', unknownIdRemedy),
    ]);
  }
  const { entry, statement } = artifact;
  const decision = decide(services.policy, {
    caller,
    request: artifactRequest('revoke', caller, artifact),
    claims: {},
    lineageDepth: statement.predicate.lineage.depth,
    nowMs: services.clock.lastTrustedMs(),
  });
  if (decision.decision === 'deny') {
    return refuse(services, request, { ...context, policy: decision }, [decision.denial]);
  }
  services.views.revokeAtOnce(entry.index);
  const { policy, inputs } = keptDecisions([decision]);
  const record: RevocationRecord = {
    type: 'urn:writ:revocation:v1',
    // A restriction is never held up by a clock that cannot be trusted; it takes the last time that could.
    time: formatInstant(services.clock.lastTrustedMs()),
    log: services.origin,
    nonce: services.nonce(),
    target: entry.id,
    targetIndex: entry.index,
    cause: request.params.cause ?? 'withdrawn',
    by: caller.peer.uid,
    policy,
  };
  const sealing = await sealRecord(services, record, inputs);
  if (sealing.outcome === 'unsealed') return refuse(services, request, context, [sealing.denial]);
  services.counters.increment('granted.revoke');
  return grantResult(services.vkey, sealing.sealed);
}
