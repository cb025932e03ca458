/**
 * Whether an artifact is redeemed where it was issued: each binding that was sealed must still hold, unless the policy
 * overlooks its change. Nothing is overlooked by default, nor by a policy that cannot be evaluated.
 */

import { isAccepted } from '../environment/reference.js';
import { denial } from '../format/denial.js';
import type { Binding, GrantPredicate } from '../format/predicate.js';
import { compareBindings } from '../verify/bindings.js';
import type { Caller } from './caller.js';
import type { Decision, Judged } from './decision.js';
import { decide } from './pipeline/decide.js';
import type { Services } from './services.js';

/** Where more changed, it is another environment, and no policy is asked: each question is kept with all that it was about. */
const maxJudgedChanges = 32;

/** ENVIRONMENT_MISMATCH where the environment forbids that this caller uses an artifact now, and what the policy said of each change. */
export function judgeEnvironment(
  services: Services,
  { environment: sealed, initiator, lineage }: GrantPredicate,
  caller: Caller,
): Judged {
  const decisions: Decision[] = [];
  const changed = compareBindings(sealed, caller.environment);
  const isAsked = services.policy.judgesChanges && changed.length <= maxJudgedChanges;
  const counting = changed.filter((name) => {
    const before = onlyBinding(sealed, name);
    if (before === null || !isAsked) return true;
    const measured = onlyBinding(caller.environment, name);
    const decision = decide(services.policy, {
      caller,
      request: {
        type: 'overlook',
        ownerUid: initiator.peer.uid,
        name,
        sealed: before,
        measured,
        accepted: measured !== null && isAccepted(services.environment.reference(), measured),
      },
      claims: {},
      lineageDepth: lineage.depth,
      nowMs: services.clock.lastTrustedMs(),
    });
    decisions.push(decision);
    return decision.decision === 'deny';
  });
  if (counting.length === 0) return { denials: [], decisions };
  const mismatch = denial('ENVIRONMENT_MISMATCH', `the environment differs in: ${counting.join(', ')}`);
  return { denials: [mismatch], decisions };
}

/** The binding of that name; null where there is none, or where there are several and so nothing certain. */
function onlyBinding(bindings: readonly Binding[], name: string): Binding | null {
  const [binding, ...others] = bindings.filter((candidate) => candidate.name === name);
  return binding === undefined || others.length > 0 ? null : binding;
}
