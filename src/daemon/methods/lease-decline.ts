/**
 * `lease.decline`: a launcher found, after the redemption, that it cannot or must not start what was redeemed: the file was swapped
 * meanwhile, nothing can hold the program, or the kernel does not execute it. Nothing was started; but without this nobody would read
 * in the log why.
 */

import { denial } from '../../format/denial.js';
import type { Denied } from '../../format/protocol.js';
import type { Caller } from '../caller.js';
import type { ClientSession } from '../client-session.js';
import type { Request } from '../pipeline/parse.js';
import { refuse } from '../pipeline/refuse.js';
import type { Services } from '../services.js';
import { noReceipt, otherNonce, spent } from './lease.js';

/**
 * Seals the launcher's own reason as the denial of this request, and lets no lease be opened on the redemption any more; a live run
 * that was opened on it ends (`not-started`). NO_AUTHORIZATION without such a receipt on this connection, BAD_CREDENTIALS for another
 * nonce, REPLAYED once the redemption was declined or its run has ended.
 */
export async function declineLease(
  services: Services,
  session: ClientSession,
  caller: Caller,
  request: Extract<Request, { method: 'lease.decline' }>,
): Promise<Denied> {
  const { redemption, nonce, code, message, remedy } = request.params;
  const context = { caller, claims: {}, decisions: [] };
  const receipt = session.receipt(redemption);
  if (receipt === null) return refuse(services, request, context, [noReceipt]);
  if (receipt.redeemerNonce !== nonce) return refuse(services, request, context, [otherNonce]);
  const run = services.runs.live.find(
    (live) => live.session === session && live.redemption.id === redemption,
  );
  if (run === undefined && services.views.runs.isSpent(receipt.index))
    return refuse(services, request, context, [spent]);
  services.views.runs.spendAtOnce(receipt.index);
  const reason = denial(
    code,
    `the launcher started nothing on redemption ${receipt.index}: ${message}`,
    remedy,
  );
  const ending = run && services.governed.end(run, 'not-started', [reason]);
  const denied = await refuse(services, request, context, [reason]);
  // Whoever is answered finds both in the log.
  await ending?.logged;
  return denied;
}
