/**
 * `lease.decline`: a launcher found, after the redemption and before any lease, that it must not start what was redeemed: the file was
 * swapped meanwhile, or nothing can hold the program. Nothing was started; but without this nobody would read in the log why.
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
 * Seals the launcher's own reason as the denial of this request, and lets no lease be opened on the redemption any more.
 * NO_AUTHORIZATION without such a receipt on this connection, BAD_CREDENTIALS for another nonce, REPLAYED once a run was opened.
 */
export function declineLease(
  services: Services,
  session: ClientSession,
  caller: Caller,
  request: Extract<Request, { method: 'lease.decline' }>,
): Promise<Denied> {
  const { redemption, nonce, code, message, remedy } = request.params;
  const context = { caller, claims: {}, policy: null };
  const receipt = session.receipt(redemption);
  if (receipt === null) return refuse(services, request, context, [noReceipt]);
  if (receipt.redeemerNonce !== nonce) return refuse(services, request, context, [otherNonce]);
  if (services.views.runs.isSpent(receipt.index)) return refuse(services, request, context, [spent]);
  services.views.runs.spendAtOnce(receipt.index);
  const reason = denial(
    code,
    `the launcher started nothing on redemption ${receipt.index}: ${message}`,
    remedy,
  );
  return refuse(services, request, context, [reason]);
}
