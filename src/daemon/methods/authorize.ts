/** `authorize`: decides whether an action may run, and seals the authorization or the denial. */

import { type Denial, denial } from '../../format/denial.js';
import type { Lineage } from '../../format/predicate.js';
import { requestDigest, requestText, type SignParams } from '../../format/protocol.js';
import { targetText } from '../../format/revocation.js';
import type { GrantStatement } from '../../format/statement-reader.js';
import { noticeOf, type Passage, passApprovals } from '../approvals/approval-gate.js';
import { logUse, sealOpening } from '../approvals/logged-requests.js';
import { type Caller, withBindings } from '../caller.js';
import type { Decision } from '../decision.js';
import { bindFaults, judgeDelegation } from '../lineage/delegation.js';
import { descendUnder, describeDescend } from '../lineage/descend.js';
import { callerRunFaults } from '../lineage/governance.js';
import { findParentage, parentFaults } from '../lineage/parentage.js';
import { decide } from '../pipeline/decide.js';
import type { Request } from '../pipeline/parse.js';
import { type RefusalContext, refuse, refuseAll } from '../pipeline/refuse.js';
import type { Granted } from '../pipeline/reply.js';
import { grantResult, sealStatement } from '../pipeline/seal.js';
import { attributionOf, grantStatement, grantTerms, lineageUnder } from '../pipeline/statement.js';
import type { Preparation } from '../preparations.js';
import type { Services } from '../services.js';
import {
  type Draft,
  executionFaults,
  type GrantRequest,
  lastMoment,
  lifetimes,
  optionsOf,
  policyRequest,
} from './draft.js';

/** A draft that the policy was asked about: what a grant would say, or why there is none. */
type Considered =
  | { readonly outcome: 'granted'; readonly preparation: Preparation }
  | {
      readonly outcome: 'refused';
      readonly decisions: readonly Decision[];
      readonly grounds: readonly Denial[];
    };

export async function authorize(
  services: Services,
  caller: Caller,
  request: Extract<Request, { method: 'authorize' }>,
): Promise<Granted> {
  const { params } = request;
  // Nearly every request can be answered without waiting here; a pause for nothing would be one a request.
  const measuring = services.measureAction(params.action);
  const measured = measuring instanceof Promise ? await measuring : measuring;
  const finding = findParentage(services, caller, params.parent);
  const parentage = finding instanceof Promise ? await finding : finding;
  const parent = parentage.outcome === 'found' ? parentage.parent : null;
  const describing = describeDescend(services, params.descend, parent);
  const { descend, faults } = describing instanceof Promise ? await describing : describing;
  const denials = [...faults, ...executionFaults(params), ...bindFaults(params)];
  if (measured.outcome === 'denied') denials.push(measured.denial);
  if (parentage.outcome === 'refused') denials.push(parentage.denial);
  if (measured.outcome === 'denied' || denials.length > 0) {
    return refuseAll(services, request, contextOf(caller, params), denials);
  }
  const asking = withBindings(caller, measured.bindings);
  const lastingCaller = asking === caller;
  return grant(services, {
    request,
    caller: asking,
    lastingCaller,
    action: measured.action,
    parent,
    options: params,
    descend,
  });
}

/** `sign`: the same way for a blob, whose digests are the caller's word. */
export async function sign(
  services: Services,
  caller: Caller,
  request: Extract<Request, { method: 'sign' }>,
): Promise<Granted> {
  const { blob, ttlSeconds }: SignParams = request.params;
  const finding = findParentage(services, caller, undefined);
  const parentage = finding instanceof Promise ? await finding : finding;
  if (parentage.outcome === 'refused')
    return refuse(services, request, contextOf(caller, request.params), [parentage.denial]);
  const { parent } = parentage;
  return grant(services, {
    request,
    caller,
    lastingCaller: true,
    action: { type: 'sign', ...blob },
    parent,
    options: { ttlSeconds },
    descend: descendUnder(parent),
  });
}

async function grant(services: Services, draft: Draft): Promise<Granted> {
  const { request, caller, parent } = draft;
  const lineage = lineageUnder(parent);
  const considered = consider(services, draft, lineage);
  // From here to the append nothing is awaited: so payload times follow the order of the log.
  const time = services.clock.now();
  if (considered.outcome === 'refused' || time.outcome === 'untrusted') {
    const decisions =
      considered.outcome === 'refused' ? considered.decisions : decisionsOf(considered.preparation);
    const grounds = considered.outcome === 'refused' ? [...considered.grounds] : [];
    if (time.outcome === 'untrusted') grounds.push(time.denial);
    return refuseAll(services, request, { ...contextOf(caller, request.params), decisions }, grounds);
  }
  const { terms, decision, requestDigest } = considered.preparation;
  const context: RefusalContext = {
    ...contextOf(caller, request.params),
    decisions: decisionsOf(considered.preparation),
  };
  const occasion = {
    lineage,
    notAfterCapMs: lastMoment(draft),
    attribution: attributionOf(services, requestDigest),
  };
  const stamp = { timeMs: time.timeMs, nonce: services.nonce() };
  const statement = grantStatement(terms, occasion, stamp);
  const faults = [
    ...callerRunFaults(services.runs, caller),
    ...parentFaults(services.runs, statement, parent),
    ...ruleFaults(services, statement),
  ];
  if (faults.length > 0) return refuseAll(services, request, context, faults);
  const passage = passApprovals(services, request, statement, decision.approvals);
  return passage.outcome === 'refused'
    ? refuseUnapproved(services, request, context, passage)
    : sealGrant(services, request, context, passage);
}

/** Whoever is told that a request waits can count on it, also after a crash. */
async function refuseUnapproved(
  services: Services,
  request: GrantRequest,
  context: RefusalContext,
  { denial: reason, waiting }: Extract<Passage, { outcome: 'refused' }>,
): Promise<Granted> {
  if (waiting === null) return refuse(services, request, context, [reason]);
  const { pending, isNew } = waiting;
  const opening = isNew ? sealOpening(services, pending) : null;
  const denied = await refuse(services, request, context, [reason]);
  const opened = await opening;
  if (opened?.outcome !== 'unsealed') return { ...denied, pending: noticeOf(pending) };
  services.pendingRequests.take(pending);
  return refuse(services, request, context, [opened.denial]);
}

/** Seals what passed. Approvals are good for one artifact; one that was never released was none. */
async function sealGrant(
  services: Services,
  request: GrantRequest,
  context: RefusalContext,
  { statement, spent }: Extract<Passage, { outcome: 'passed' }>,
): Promise<Granted> {
  // The key of an approver may be revoked.
  const isRuledOut = ruleFaults(services, statement).length > 0;
  const input = context.decisions[0]?.input ?? new Uint8Array();
  if (spent !== null && !isRuledOut) logUse(services, spent, statement);
  const sealing = isRuledOut ? null : await sealStatement(services, statement, input);
  // A rule may have come while it was sealed, and counts before its own answer leaves.
  const faults = sealing?.outcome === 'unsealed' ? [sealing.denial] : ruleFaults(services, statement);
  if (sealing === null || sealing.outcome === 'unsealed' || faults.length > 0) {
    // One that was sealed has used them up, whoever revoked it.
    if (spent !== null && sealing?.outcome !== 'sealed') services.pendingRequests.putBack(spent);
    return refuseAll(services, request, context, faults);
  }
  const { id, index, payload } = sealing.sealed;
  services.recentGrants.keep({ entry: { id, index, kind: kindOf(statement) }, statement }, payload.length);
  services.counters.increment(`granted.${request.method}`);
  return grantResult(services.vkey, sealing.sealed);
}

/** Asks the policy, unless it allowed the same caller the same before. */
function consider(services: Services, draft: Draft, lineage: Lineage): Considered {
  const { request, caller, lastingCaller, action, parent } = draft;
  const { preparations, policy } = services;
  const text = requestText(request.method, request.params);
  const digests = action.type === 'execute' ? action.digests : null;
  const mayRepeat =
    parent === null && lastingCaller && !policy.needsTime && typeof draft.descend === 'string';
  const kept = mayRepeat ? preparations.find(caller, text, digests) : null;
  if (kept !== null) return { outcome: 'granted', preparation: kept };
  const decision = decide(policy, {
    caller,
    request: policyRequest(draft),
    claims: request.params,
    lineageDepth: lineage.depth,
    nowMs: services.clock.lastTrustedMs(),
  });
  const grounds = groundsToRefuse(services, draft, decision, lineage.depth);
  const further: Decision[] = [];
  if (request.method === 'authorize') {
    const delegation = judgeDelegation(services, caller, request.params, lineage.depth);
    grounds.push(...delegation.denials);
    further.push(...delegation.decisions);
  }
  if (decision.decision === 'deny' || grounds.length > 0)
    return { outcome: 'refused', decisions: [decision, ...further], grounds };
  const terms = grantTerms(action, caller, request.params, decision.record, optionsOf(services, draft));
  const preparation = { terms, decision, further, requestDigest: requestDigest(text), digests };
  if (mayRepeat) {
    services.texts.remember(terms.scope);
    services.texts.remember(terms.subject);
    preparations.keep(caller, text, preparation);
  }
  return { outcome: 'granted', preparation };
}

function groundsToRefuse(services: Services, draft: Draft, decision: Decision, depth: number): Denial[] {
  const { maxLineageDepth, maxRunSeconds } = services.policy;
  const { maxTtlSeconds } = lifetimes(services, draft.action);
  const grounds: Denial[] = [];
  if (decision.decision === 'deny') grounds.push(decision.denial);
  if ((draft.options.ttlSeconds ?? 0) > maxTtlSeconds) {
    grounds.push(
      denial(
        'POLICY_DENIED',
        `the policy bundle allows at most ${maxTtlSeconds} seconds of validity`,
        `Ask for at most ${maxTtlSeconds} seconds.`,
      ),
    );
  }
  if ((draft.options.runSeconds ?? 0) > maxRunSeconds) {
    grounds.push(
      denial(
        'POLICY_DENIED',
        `the policy bundle allows runs of at most ${maxRunSeconds} seconds`,
        `Ask for at most ${maxRunSeconds} seconds.`,
      ),
    );
  }
  if (depth > maxLineageDepth) {
    grounds.push(
      denial(
        'LINEAGE_BROKEN',
        `the policy bundle allows at most ${maxLineageDepth} generations`,
        'Ask under a parent that is nearer to the root, or without one.',
      ),
    );
  }
  return grounds;
}

function kindOf({ predicateType }: GrantStatement): 'authorization' | 'signature' {
  return predicateType === 'urn:writ:signature:v1' ? 'signature' : 'authorization';
}

/** What was revoked by a rule is revoked for whatever is asked for later, too. */
function ruleFaults({ views }: Services, { predicate }: GrantStatement): Denial[] {
  const rule = views.revocations.ruleEnding(predicate);
  return rule === null ? [] : [denial('REVOKED', `${targetText(rule)} was revoked`)];
}

function contextOf(caller: Caller, claims: GrantRequest['params']): RefusalContext {
  return { caller, claims, decisions: [] };
}

function decisionsOf({ decision, further }: Preparation): readonly Decision[] {
  return [decision, ...further];
}
