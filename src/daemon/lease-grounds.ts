/**
 * What speaks against a run, when its lease is opened and whenever it is renewed: everything that a redemption asks and that can
 * have changed since. When it may be redeemed is over by then; how long it may run is its own question.
 */

import { type Denial, type DenialCode, denial } from '../format/denial.js';
import type { EndCause } from '../format/lease.js';
import { parseInstant } from '../format/time.js';
import { judge } from '../verify/judgement.js';
import type { Caller } from './caller.js';
import { judgeEnvironment } from './changed-environment.js';
import type { Judged } from './decision.js';
import type { GrantedArtifact } from './granted-artifact.js';
import { ancestorRunFaults, callerRunFaults, reachFaults } from './lineage/governance.js';
import { artifactRequest } from './lineage/subtree.js';
import { judgeOlderArtifact } from './older-artifact.js';
import { decide } from './pipeline/decide.js';
import type { Services } from './services.js';

/**
 * Every ground to refuse a lease on the artifact to whoever runs it, as of now, and what the policy said. Nothing is awaited.
 * `redemptionIndex`: where the receipt is logged.
 */
export function judgeLease(
  services: Services,
  artifact: GrantedArtifact,
  redemptionIndex: number,
  runner: Caller,
): Judged {
  const { statement, state, parent } = artifact;
  const { predicate } = statement;
  const { validity, lineage } = predicate;
  const nowMs = services.clock.lastTrustedMs();
  if (validity.use !== 'lease') return { denials: [usedOnce], decisions: [] };
  const { denials } = judge(
    { id: artifact.entry.id, statement },
    {
      nowMs: Math.min(nowMs, parseInstant(validity.notAfter) - 1),
      audience: null,
      policyBundles: null,
      action: null,
      file: null,
      // That the key it is bound to is held was proven when it was redeemed, on the same connection.
      presenter: typeof predicate.scope.bind === 'object' ? null : runner.peer,
      possession: null,
      policyProof: null,
      standing: null,
      environment: null,
      parent: parent && { id: parent.entry.id, predicate: parent.statement.predicate, state: parent.state },
      state: { ...state, redeemed: false, void: false },
      quote: null,
      approvalRule: services.policy.approvalRule,
    },
  );
  const decision = decide(services.policy, {
    caller: runner,
    request: artifactRequest('redeem', runner, artifact),
    claims: {},
    lineageDepth: lineage.depth,
    nowMs,
  });
  const environment = judgeEnvironment(services, predicate, runner);
  const older = judgeOlderArtifact(services, predicate, runner);
  const grounds: Denial[] = [
    ...older.denials,
    ...denials,
    ...environment.denials,
    ...ancestorRunFaults(services.runs, artifact),
    ...callerRunFaults(services.runs, runner),
    ...reachFaults(runner, artifact),
  ];
  if (services.views.isRevoked(redemptionIndex))
    grounds.push(denial('REVOKED', 'the redemption was revoked'));
  if (lineage.parent !== null && parent === null)
    grounds.push(denial('LINEAGE_BROKEN', 'the log holds no sealed authorization with the id of the parent'));
  if (decision.decision === 'deny') grounds.push(decision.denial);
  if (nowMs >= parseInstant(validity.until))
    grounds.push(denial('EXPIRED', `the artifact allows runs until ${validity.until}`));
  const time = services.clock.now();
  if (time.outcome === 'untrusted') grounds.push(time.denial);
  return { denials: grounds, decisions: [decision, ...environment.decisions, ...older.decisions] };
}

const usedOnce = denial(
  'SCOPE_MISMATCH',
  'the artifact is used once, and not under a lease',
  'Ask for an authorization of a run (use: lease).',
);

/** What the end of a run is logged under that is refused its renewal. */
export function causeOf(code: DenialCode): EndCause {
  switch (code) {
    case 'REVOKED':
      return 'revoked';
    case 'EXPIRED':
    case 'NOT_YET_VALID':
      return 'expired';
    case 'POLICY_DENIED':
    case 'POLICY_MISMATCH':
    case 'APPROVAL_REQUIRED':
      return 'policy';
    case 'IDENTITY_MISMATCH':
    case 'BAD_CREDENTIALS':
      return 'identity';
    case 'ENVIRONMENT_MISMATCH':
    case 'TPM_UNAVAILABLE':
      return 'environment';
    case 'LINEAGE_BROKEN':
      return 'lineage';
    case 'CLOCK_UNTRUSTED':
      return 'clock';
    case 'NO_AUTHORIZATION':
    case 'BAD_SIGNATURE':
    case 'REPLAYED':
    case 'SCOPE_MISMATCH':
    case 'STATE_UNVERIFIABLE':
    case 'HSM_UNAVAILABLE':
    case 'LOG_UNAVAILABLE':
    case 'OVERLOADED':
    case 'MALFORMED':
    case 'TOO_LARGE':
      return 'state';
  }
}
