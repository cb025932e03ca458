/**
 * `approve`: takes one approver's signature on a request that waits. Who brings it plays no part, since the signature proves
 * whose it is, as long as it comes from outside of any run. It counts once it is sealed; `pending.get` and `pending.list` show what waits.
 */

import { type ApprovalRecord, approvalDocument, approvalMessage } from '../../format/approval.js';
import { type Denial, denial } from '../../format/denial.js';
import { displayText } from '../../format/exact-text.js';
import type { PendingDetail, PendingSummary } from '../../format/pending.js';
import type { Approval, GrantPredicate } from '../../format/predicate.js';
import type { PendingListResult, PendingResult } from '../../format/protocol.js';
import { formatInstant } from '../../format/time.js';
import { isSignedApproval } from '../../verify/approvals.js';
import { noticeOf } from '../approvals/approval-gate.js';
import type { PendingRequest } from '../approvals/pending-requests.js';
import { mayRead } from '../artifacts.js';
import type { Caller, ObservedRun } from '../caller.js';
import type { Request } from '../pipeline/parse.js';
import { type RefusalContext, refuse, refuseAll, refusePlainly } from '../pipeline/refuse.js';
import type { Granted } from '../pipeline/reply.js';
import { grantResult, sealRecord } from '../pipeline/seal.js';
import type { Services } from '../services.js';

type Of<Name extends Request['method']> = Extract<Request, { method: Name }>;

const maxSubjectLength = 200;
/** What a list may take of a line. */
const maxListBytes = 60_000;

/**
 * Denies NO_AUTHORIZATION where nothing waits under this id (any more), BAD_CREDENTIALS for a key of nobody who is asked,
 * LINEAGE_BROKEN from inside of a run, BAD_SIGNATURE, REVOKED for a revoked key, POLICY_MISMATCH under another bundle, IDENTITY_MISMATCH for one's own request, REPLAYED for a second approval
 * or one that is not missing any more, and CLOCK_UNTRUSTED.
 */
export async function approve(services: Services, caller: Caller, request: Of<'approve'>): Promise<Granted> {
  const context: RefusalContext = { caller, claims: {}, decisions: [] };
  const { params } = request;
  const time = services.clock.now();
  if (time.outcome === 'untrusted') return refuse(services, request, context, [time.denial]);
  const pending = services.pendingRequests.find(params.pending, time.timeMs);
  if (pending === null) return refuse(services, request, context, [nothingPending]);
  const { matter } = pending.request;
  const person = approverOf(pending, params.key);
  if (person === null) return refuse(services, request, context, [noApprover]);
  const approval: Approval = {
    approver: person,
    key: params.key,
    form: params.form,
    pending: pending.id,
    expires: pending.expires,
    signature: params.signature,
  };
  const signed = approvalDocument(matter, services.origin, approval);
  const isSigned = isSignedApproval(approval, approvalMessage(signed, approval.form));
  const grounds = [
    ...(caller.run === null ? [] : [fromInside(caller.run)]),
    ...(isSigned ? [] : [notSigned]),
    ...groundsToRefuse(services, pending, approval),
  ];
  if (grounds.length > 0) return refuseAll(services, request, context, grounds);
  const record: ApprovalRecord = {
    type: 'urn:writ:approval:v1',
    time: formatInstant(time.timeMs),
    log: services.origin,
    nonce: services.nonce(),
    signed,
    approval,
  };
  const sealing = await pending.addSealed(approval, () => sealRecord(services, record));
  if (sealing.outcome === 'unsealed') return refuse(services, request, context, [sealing.denial]);
  services.counters.increment('granted.approve');
  return grantResult(services.vkey, sealing.sealed);
}

/** Shows a request to whoever knows its id, which only the initiator was told. */
export function pendingGet(services: Services, { params }: Of<'pending.get'>): PendingResult {
  const pending = services.pendingRequests.find(params.id, services.clock.lastTrustedMs());
  return pending === null
    ? refusePlainly(services, nothingPending)
    : { decision: 'allow', pending: detailOf(services, pending) };
}

/** Lists the caller's own requests, and those that wait for an approver of its uid; all of them to root and the daemon's user. */
export function pendingList(services: Services, { peer }: Caller): PendingListResult {
  const found = services.pendingRequests.list(services.clock.lastTrustedMs(), (pending) => {
    const { matter } = pending.request;
    return mayRead(services, peer.uid, matter.initiator.uid) || waitsFor(pending, peer.uid);
  });
  let leftBytes = maxListBytes;
  const pending = found.map(summaryOf).filter((summary) => {
    leftBytes -= Buffer.byteLength(JSON.stringify(summary)) + 1;
    return leftBytes > 0;
  });
  return { pending };
}

const nothingPending = denial(
  'NO_AUTHORIZATION',
  'no request waits for approval under this id',
  'Ask for it again: it may have expired, been granted, or been forgotten with the policy bundle that demanded it.',
);

const notSigned = denial(
  'BAD_SIGNATURE',
  'the signature is not by this key over this request',
  'Sign what writ approve shows, in the namespace approval@writ; what was asked for may have changed.',
);

const noApprover = denial(
  'BAD_CREDENTIALS',
  'this key is of nobody whose approval the request needs',
  'Sign with a key that approvers.toml lists for the group; writ approve --list shows who may approve.',
);

/** An agent that reaches its user's ssh-agent could sign: but whatever is governed approves nothing, least of all its own requests. */
function fromInside({ artifact }: ObservedRun): Denial<'LINEAGE_BROKEN'> {
  return denial(
    'LINEAGE_BROKEN',
    `the caller runs under ${artifact}, and nothing is approved from inside of a run`,
    'Approve it from outside of any run.',
  );
}

function groundsToRefuse(
  { policy, views }: Services,
  pending: PendingRequest,
  { approver: person, key }: Approval,
): Denial[] {
  const { matter, rule } = pending.request;
  const grounds: Denial[] = [];
  if (matter.bundle !== policy.approvalRule.digest) {
    const message = 'the request was judged under a policy bundle that is no longer in force';
    grounds.push(denial('POLICY_MISMATCH', message, 'Have it asked for again, under the bundle in force.'));
  }
  if (views.revocations.revokesKey(key)) {
    const remedy = 'Approve with another key, or have somebody else approve it.';
    grounds.push(denial('REVOKED', `this key of ${person} was revoked`, remedy));
  }
  if (rule.approvers.people.get(person)?.uid === matter.initiator.uid) {
    const message = `${person} asked for this, and nobody approves an own request`;
    grounds.push(denial('IDENTITY_MISMATCH', message, 'Have somebody else approve it.'));
  }
  if (pending.isApprovedBy(person)) {
    const message = `${person} has approved this request already`;
    grounds.push(denial('REPLAYED', message, 'Have somebody else approve it.'));
  } else if (!pending.isMissing(person)) {
    const remedy = 'Nothing: whoever asked can ask again once all approvals are there.';
    grounds.push(denial('REPLAYED', `no approval by ${person} is missing any more`, remedy));
  }
  return grounds;
}

/** The person whose key it is and who belongs to a group whose approval is demanded, or null. */
function approverOf({ request, demands }: PendingRequest, key: string): string | null {
  const { people, groups } = request.rule.approvers;
  for (const [name, { keys }] of people) {
    if (!keys.includes(key)) continue;
    return demands.some(({ group }) => groups.get(group)?.includes(name)) ? name : null;
  }
  return null;
}

function waitsFor({ request, demands }: PendingRequest, uid: number): boolean {
  const { people, groups } = request.rule.approvers;
  return demands.some(({ group }) => groups.get(group)?.some((member) => people.get(member)?.uid === uid));
}

function summaryOf(pending: PendingRequest): PendingSummary {
  const { grant, method } = pending.request;
  return {
    ...noticeOf(pending),
    since: pending.since,
    state: pending.isApproved ? 'approved' : 'waiting',
    method,
    uid: grant.initiator.peer.uid,
    subject: subjectText(grant.scope.action).slice(0, maxSubjectLength).toWellFormed(),
  };
}

function detailOf({ origin }: Services, pending: PendingRequest): PendingDetail {
  const { grant, options, rule } = pending.request;
  const { people, groups } = rule.approvers;
  const members = new Set(pending.demands.flatMap(({ group }) => groups.get(group) ?? []));
  const keys = [...members].flatMap((member) => people.get(member)?.keys ?? []);
  return { ...summaryOf(pending), log: origin, options, grant, approvals: pending.approvals, keys };
}

function subjectText(action: GrantPredicate['scope']['action']): string {
  switch (action.type) {
    case 'execute':
      return action.argv.map(displayText).join(' ');
    case 'tool':
      return action.tool;
    case 'sign':
      return action.name;
  }
}
