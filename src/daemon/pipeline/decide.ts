/** Stage 4: who, what and where -> a policy decision, on facts that the caller cannot colour beyond its own claims. */

import type { Claims } from '../../format/protocol.js';
import type { PolicyRequest } from '../../policy/request.js';
import type { Caller } from '../caller.js';
import type { Decision } from '../decision.js';
import type { PolicyService } from '../services.js';

/** What the caller demands of the TPM. */
export interface Demands {
  readonly attest?: 'fresh' | undefined;
  readonly anchor?: 'fresh' | undefined;
}

export interface Question {
  readonly caller: Caller;
  readonly request: PolicyRequest;
  readonly claims: Claims & Demands;
  readonly lineageDepth: number;
  readonly nowMs: number;
}

/** Evaluates the policy bundle in force. Whatever the engine cannot evaluate comes back as a denial. */
export function decide(policy: PolicyService, question: Question): Decision {
  const { caller, request, claims, lineageDepth, nowMs } = question;
  return policy.decide(caller, {
    claimed: { agent: claims.agent ?? null, user: claims.user ?? null },
    request,
    purpose: claims.purpose ?? null,
    ticket: claims.ticket ?? null,
    attest: claims.attest ?? null,
    anchor: claims.anchor ?? null,
    lineageDepth,
    governed: caller.run !== null,
    nowSeconds: policy.needsTime ? Math.floor(nowMs / 1000) : null,
  });
}
