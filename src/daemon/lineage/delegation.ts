/**
 * Handing an authorization to somebody else: it is bound to a key, and whoever proves to hold that key redeems it. Whether that
 * may be is a question to the policy of its own, beside the one whether the action is allowed.
 */

import { base64Decode } from '../../format/base64.js';
import { type Denial, denial } from '../../format/denial.js';
import type { AuthorizeParams } from '../../format/protocol.js';
import { verifyingKey } from '../../verify/ed25519.js';
import type { Caller } from '../caller.js';
import type { Judged } from '../decision.js';
import { decide } from '../pipeline/decide.js';
import type { Services } from '../services.js';

/** Nobody could ever prove to hold a key that is no point of the curve, or that everybody can sign for. */
export function bindFaults({ bind }: Pick<AuthorizeParams, 'bind'>): Denial[] {
  if (typeof bind !== 'object') return [];
  try {
    verifyingKey(base64Decode(bind.key));
    return [];
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    return [denial('BAD_CREDENTIALS', `the key to bind to cannot be used: ${cause.message}`)];
  }
}

/** POLICY_DENIED unless nothing is handed over, or the policy permits it. */
export function judgeDelegation(
  services: Services,
  caller: Caller,
  claims: AuthorizeParams,
  lineageDepth: number,
): Judged {
  const { bind } = claims;
  if (typeof bind !== 'object') return { denials: [], decisions: [] };
  const nowMs = services.clock.lastTrustedMs();
  const request = { type: 'delegate', key: bind.key } as const;
  const decision = decide(services.policy, { caller, request, claims, lineageDepth, nowMs });
  if (decision.decision === 'allow') return { denials: [], decisions: [decision] };
  const { message, remedy } = decision.denial;
  const refused = denial('POLICY_DENIED', `it may not be handed to a key: ${message}`, remedy);
  return { denials: [refused], decisions: [decision] };
}
