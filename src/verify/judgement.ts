/** The second half of verification: does an authentic statement permit this, here, now, to this presenter? */

import type { Action } from '../format/action.js';
import type { ArtifactId } from '../format/artifact-id.js';
import { type Denial, denial } from '../format/denial.js';
import { type DigestSet, sameDigests } from '../format/digest-set.js';
import { jcsText } from '../format/jcs.js';
import type { Binding, ExecutableFact, GrantPredicate, Scope } from '../format/predicate.js';
import type { Statement } from '../format/statement.js';
import { parseInstant } from '../format/time.js';
import { judgeApprovals } from './approvals.js';
import { compareBindings } from './bindings.js';
import { citesTpm, type QuoteJudgement, quoteNotPresented } from './cited-quote.js';
import { lineageFaults } from './lineage.js';
import { documentSigner } from './policy-authority.js';
import { possessionFaults, possessionMissing } from './possession.js';
import type { ProvenQuote } from './quote.js';
import type { LogState, Situation } from './situation.js';
import { unproven } from './unproven.js';
import type { Unproven } from './verdict.js';

export interface Judgement {
  readonly denials: readonly Denial[];
  readonly unproven: readonly Unproven[];
}

/** A statement, and the id of its artifact where that is known: a forged one has none. */
export interface Judged {
  readonly id: ArtifactId | null;
  readonly statement: Statement;
}

/**
 * Compares a statement with a situation: every code that applies, and everything that could not be compared.
 * @param judgeQuote compares the statement with the situation's quote. Without it the quote counts as not presented
 * @param authorities the policy authorities that the trust bundle pins: those that a policy proof must lead to
 */
export function judge(
  { id, statement }: Judged,
  situation: Situation,
  judgeQuote: (predicate: GrantPredicate, quote: ProvenQuote | null) => QuoteJudgement = quoteUnjudged,
  authorities: readonly Uint8Array[] = [],
): Judgement {
  if (statement.predicateType === 'urn:writ:denial:v1') {
    const codes = statement.predicate.denials.map(({ code }) => code).join(', ');
    return {
      denials: [
        denial(
          'NO_AUTHORIZATION',
          `this is evidence of a denial (${codes}), which permits nothing`,
          'Mend what the denial names, then ask again.',
        ),
      ],
      unproven: [],
    };
  }
  const { predicate } = statement;
  const quoted = judgeQuote(predicate, situation.quote);
  const approved = judgeApprovals(predicate, situation.approvalRule);
  return {
    denials: [
      ...validityFaults(predicate, situation.nowMs),
      ...policyFaults(predicate, situation.policyBundles),
      ...policyProofFaults(predicate, situation.policyProof, authorities),
      ...scopeFaults(statement.subject[0].digest, predicate, situation),
      ...presenterFaults(id, predicate, situation),
      ...environmentFaults(predicate.environment, situation.environment),
      ...quoted.denials,
      ...approved.denials,
      ...lineageFaults(predicate, situation.parent),
      ...stateFaults(predicate, situation.state),
    ],
    unproven: [...unprovenOf(predicate, situation, quoted), ...approved.unproven],
  };
}

function quoteUnjudged(predicate: GrantPredicate): QuoteJudgement {
  return citesTpm(predicate) ? quoteNotPresented : { denials: [], unproven: [] };
}

function validityFaults(predicate: GrantPredicate, nowMs: number): Denial[] {
  const { validity } = predicate;
  if (nowMs < parseInstant(validity.notBefore)) {
    return [denial('NOT_YET_VALID', `the artifact is valid only from ${validity.notBefore}`)];
  }
  if (nowMs >= parseInstant(validity.notAfter)) {
    return [expiry(predicate)];
  }
  return [];
}

/** That an artifact's time is over, and where another comes from. */
export function expiry({ scope, validity }: GrantPredicate): Denial<'EXPIRED'> {
  const message = `the artifact was valid until ${validity.notAfter}`;
  if (scope.action.type !== 'sign') return denial('EXPIRED', message);
  const remedy =
    'Have the file signed again by whoever answers for it (writ sign); how long a signature lasts is for --ttl and the policy ' +
    'bundle to say.';
  return denial('EXPIRED', message, remedy);
}

function policyFaults({ policy }: GrantPredicate, accepted: readonly string[] | null): Denial[] {
  if (policy.decision !== 'allow')
    return [denial('POLICY_DENIED', 'the recorded policy decision is not an allow')];
  if (accepted === null || accepted.includes(policy.bundle)) return [];
  return [
    denial(
      'POLICY_MISMATCH',
      `the decision was made under version ${policy.version} of a policy bundle not in force here`,
    ),
  ];
}

/** Whether an authority that is pinned answers for the very bundle that the artifact names, as the artifact says. */
function policyProofFaults(
  { policy, governance, validity }: GrantPredicate,
  proof: Situation['policyProof'],
  authorities: readonly Uint8Array[],
): Denial[] {
  if (proof === null) return [];
  const verdict = documentSigner(authorities, proof, parseInstant(validity.notBefore));
  if (verdict.verdict === 'denied')
    return [
      denial(
        'BAD_SIGNATURE',
        `the signature of the policy bundle does not count: ${verdict.reason}`,
        getProof,
      ),
    ];
  const { statement, signer } = verdict;
  if (statement.bundle !== policy.bundle || statement.version !== policy.version)
    return [
      denial(
        'POLICY_MISMATCH',
        `the signature is of version ${statement.version} of a policy bundle, and the decision was made under version ${policy.version} of another`,
        getProof,
      ),
    ];
  if (governance.authority === signer) return [];
  const named = governance.authority ?? 'nobody';
  return [
    denial(
      'POLICY_MISMATCH',
      `the policy bundle is signed by ${signer}, and the artifact names ${named}`,
      getProof,
    ),
  ];
}

const getProof =
  'Present the proof of the bundle that the artifact names: policy.get of the daemon that issued it has it.';

function scopeFaults(subject: DigestSet, { scope }: GrantPredicate, situation: Situation): Denial[] {
  const faults: Denial[] = [];
  if (situation.audience !== null && scope.audience !== null && scope.audience !== situation.audience) {
    faults.push(
      denial('SCOPE_MISMATCH', `the artifact is meant for ${scope.audience}, not for ${situation.audience}`),
    );
  }
  if (situation.file !== null && !sameDigests(subject, situation.file)) {
    faults.push(
      denial('SCOPE_MISMATCH', 'the file is not the one that the artifact names: their digests differ'),
    );
  }
  const differing = situation.action === null ? [] : differingFields(scope.action, situation.action);
  if (differing.length > 0) {
    faults.push(
      denial('SCOPE_MISMATCH', `the action differs from the one authorized in: ${differing.join(', ')}`),
    );
  }
  return faults;
}

/** Names of the fields in which two actions differ, sorted; `type` alone when they are of different types. */
function differingFields(authorized: Action, presented: Action): string[] {
  if (authorized.type !== presented.type) return ['type'];
  const left = new Map<string, unknown>(Object.entries(authorized));
  const right = new Map<string, unknown>(Object.entries(presented));
  const names = [...new Set([...left.keys(), ...right.keys()])].sort();
  return names.filter((name) => jcsText(left.get(name) ?? null) !== jcsText(right.get(name) ?? null));
}

function presenterFaults(
  id: ArtifactId | null,
  { scope, initiator, attribution }: GrantPredicate,
  { presenter, possession }: Situation,
): Denial[] {
  if (typeof scope.bind === 'object') {
    if (possession !== null && id !== null)
      return possessionFaults(scope.bind.key, id, attribution.log, possession);
    return presenter === null ? [] : [possessionMissing()];
  }
  if (presenter === null) return [];
  if (presenter.uid !== scope.uid || presenter.gid !== scope.gid) {
    return [mismatch(`the artifact is bound to uid ${scope.uid} and gid ${scope.gid}`)];
  }
  switch (scope.bind) {
    case 'uid':
      return [];
    case 'executable':
      return sameExecutable(initiator.peer.executable, presenter.executable)
        ? []
        : [mismatch('the artifact is bound to another executable')];
    case 'process':
      return initiator.peer.pid === presenter.pid && initiator.peer.startTime === presenter.startTime
        ? []
        : [mismatch('the artifact is bound to the very process that asked for it')];
  }
}

function sameExecutable(bound: ExecutableFact, presented: ExecutableFact): boolean {
  if (bound.source === 'unavailable' || presented.source === 'unavailable') return false;
  return sameDigests(bound.digests, presented.digests);
}

function mismatch(message: string): Denial {
  return denial('IDENTITY_MISMATCH', message);
}

function environmentFaults(sealed: readonly Binding[], measured: readonly Binding[] | null): Denial[] {
  const changed = measured === null ? [] : compareBindings(sealed, measured);
  if (changed.length === 0) return [];
  return [denial('ENVIRONMENT_MISMATCH', `the environment differs in: ${changed.join(', ')}`)];
}

function stateFaults({ scope }: GrantPredicate, state: LogState | null): Denial[] {
  if (state === null) return [];
  const faults: Denial[] = [];
  if (state.revoked) faults.push(denial('REVOKED', 'the artifact was revoked'));
  if (state.redeemed) faults.push(denial('REPLAYED', 'the artifact was redeemed before'));
  // A blob signature is never redeemed, so there is nothing that could have been lost.
  if (state.void && scope.action.type !== 'sign') {
    faults.push(
      denial(
        'STATE_UNVERIFIABLE',
        'the artifact was granted before a restart, and nothing proves that no redemption of it was taken back since',
        'Ask for a new authorization.',
      ),
    );
  }
  return faults;
}

function unprovenPresenter({ bind }: Scope, { presenter, possession }: Situation): Unproven[] {
  if (typeof bind !== 'object') return presenter === null ? [unproven('presenter')] : [];
  if (possession === null) return [unproven('presenter')];
  return possession.expected.nonce === null ? [unproven('possession')] : [];
}

function unprovenOf(
  { scope, initiator, lineage }: GrantPredicate,
  situation: Situation,
  quoted: QuoteJudgement,
): Unproven[] {
  const { action } = scope;
  const open = [unproven('split-view')];
  if (situation.state === null) {
    open.push(unproven('no-later-revocation'));
    if (action.type !== 'sign') open.push(unproven('not-redeemed'));
  }
  if (situation.policyBundles === null && situation.policyProof === null) open.push(unproven('policy'));
  open.push(...unprovenPresenter(scope, situation));
  if (situation.environment === null) open.push(unproven('environment'));
  open.push(...quoted.unproven);
  if (situation.action === null && situation.file === null) open.push(unproven('action'));
  if (lineage.parent !== null && situation.parent === null) open.push(unproven('lineage'));
  if (action.type === 'execute') open.push(unproven('loaded-libraries'));
  if (action.type === 'sign') open.push(unproven('blob-digests'));
  if (initiator.peer.executable.source !== 'kernel') open.push(unproven('initiator-executable'));
  if (initiator.claimed.agent !== null || initiator.claimed.user !== null)
    open.push(unproven('claimed-identity'));
  return open;
}
