/** `revocations.subscribe` and `status.statement`: what is revoked, as it happens, and as a sealed word for others. */

import type { SubscribeResult } from '../../format/revocation-methods.js';
import type { Caller } from '../caller.js';
import type { ClientSession } from '../client-session.js';
import type { Request } from '../pipeline/parse.js';
import { refuse } from '../pipeline/refuse.js';
import type { Granted } from '../pipeline/reply.js';
import { grantResult } from '../pipeline/seal.js';
import type { Services } from '../services.js';

/** Records hold ids only, and everybody may read them: so everybody may follow them. */
export function subscribe(
  { revocationFeed, log }: Services,
  session: ClientSession,
  { params }: Extract<Request, { method: 'revocations.subscribe' }>,
): SubscribeResult {
  return revocationFeed.subscribe(session, params.since ?? log.size);
}

export async function statusStatement(
  services: Services,
  caller: Caller,
  request: Extract<Request, { method: 'status.statement' }>,
): Promise<Granted> {
  const outcome = await services.standingStatus.fresh();
  if (outcome.outcome === 'sealed') return grantResult(services.vkey, outcome.sealed);
  return refuse(services, request, { caller, claims: {}, decisions: [] }, [outcome.denial]);
}
