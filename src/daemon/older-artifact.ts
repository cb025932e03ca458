/**
 * What an artifact is worth that was issued under another policy bundle than the one in force: as the bundle in force says,
 * it counts as it is, is decided on again, or is denied. For redemptions and for the renewals of leases alike.
 */

import { type Denial, denial } from '../format/denial.js';
import type { GrantPredicate } from '../format/predicate.js';
import { parseInstant } from '../format/time.js';
import type { PolicyRequest } from '../policy/request.js';
import type { Caller } from './caller.js';
import type { Decision, Judged } from './decision.js';
import { decide } from './pipeline/decide.js';
import type { PolicyService, Services } from './services.js';

const nothing: Judged<never> = { denials: [], decisions: [] };

const askAnew = 'Ask for a new authorization, which is decided by the bundle in force.';

/**
 * Why an artifact of another bundle does not count any more: nothing, or POLICY_MISMATCH; and the decision, where it was decided on
 * again. Without waiting for anything, so that it is judged under the same bundle as whatever else is decided in this turn.
 * @param caller whoever redeems the artifact, or runs what was started by it, as of now
 */
export function judgeOlderArtifact(
  services: Pick<Services, 'policy' | 'clock'>,
  predicate: GrantPredicate,
  caller: Caller,
): Judged<Denial<'POLICY_MISMATCH'>> {
  const { policy } = services;
  const { version } = predicate.policy;
  if (predicate.policy.bundle === policy.description.bundle) return nothing;
  switch (policy.older) {
    case 'valid':
      return nothing;
    case 'deny': {
      const message = `it was issued under version ${version} of a policy bundle, and the one in force lets no older artifact count`;
      return { denials: [denial('POLICY_MISMATCH', message, askAnew)], decisions: [] };
    }
    case 'redecide': {
      const decision = decideAgain(services, predicate, caller);
      const denials = redecisionFaults(policy, predicate, decision).map((fault) =>
        denial(
          'POLICY_MISMATCH',
          `it was issued under version ${version} of a policy bundle, and the one in force would not issue it: ${fault}`,
          askAnew,
        ),
      );
      return { denials, decisions: [decision] };
    }
  }
}

/** What the bundle in force would not grant. */
function redecisionFaults(
  policy: PolicyService,
  { validity, lineage, scope }: GrantPredicate,
  decision: Decision,
): readonly string[] {
  if (decision.decision === 'deny') return [decision.denial.message];
  const faults: string[] = [];
  if (decision.approvals.length > 0) faults.push('it demands approvals, which were not given under it');
  const bornMs = parseInstant(validity.notBefore);
  const maxTtlSeconds = scope.action.type === 'sign' ? policy.signatureTtlSeconds : policy.maxTtlSeconds;
  if (parseInstant(validity.notAfter) - bornMs > 1000 * maxTtlSeconds)
    faults.push(`it allows at most ${maxTtlSeconds} seconds of validity`);
  if (validity.use === 'lease' && parseInstant(validity.until) - bornMs > 1000 * policy.maxRunSeconds)
    faults.push(`it allows runs of at most ${policy.maxRunSeconds} seconds`);
  if (lineage.depth > policy.maxLineageDepth)
    faults.push(`it allows at most ${policy.maxLineageDepth} generations`);
  return faults;
}

/** Asks the bundle in force what was asked when the artifact was issued, with the facts of today where there are any. */
function decideAgain(
  { policy, clock }: Pick<Services, 'policy' | 'clock'>,
  predicate: GrantPredicate,
  caller: Caller,
): Decision {
  const { initiator, governance, lineage } = predicate;
  return decide(policy, {
    caller: initiatorOf(predicate, caller),
    request: requestOf(predicate),
    claims: {
      agent: initiator.claimed.agent ?? undefined,
      user: initiator.claimed.user ?? undefined,
      purpose: governance.purpose ?? undefined,
      ticket: governance.ticket ?? undefined,
    },
    lineageDepth: lineage.depth,
    nowMs: clock.lastTrustedMs(),
  });
}

/**
 * Who asked. The one who is here, as he is today; of somebody else, who had the artifact handed over, what it says of its
 * initiator, with groups by number alone.
 */
function initiatorOf({ initiator: { peer }, environment }: GrantPredicate, caller: Caller): Caller {
  if (peer.uid === caller.peer.uid) return caller;
  return { ...caller, peer, user: null, groups: [], environment, likeness: {} };
}

function requestOf({ scope: { action, execution, descend }, validity }: GrantPredicate): PolicyRequest {
  if (action.type !== 'execute') return action;
  return {
    ...action,
    use: validity.use,
    // An authorization to execute says how; read as the weaker where it does not.
    confine: execution?.confine ?? 'best-effort',
    descend: typeof descend === 'string' ? descend : 'listed',
  };
}
