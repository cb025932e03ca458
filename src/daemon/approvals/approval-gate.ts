/**
 * The gate between a decision and its seal: what a policy lets happen only with approval passes once, with the approvals that
 * were given for exactly it. Everything else waits or is refused.
 */

import { matterOf } from '../../format/approval.js';
import type { ApprovalDemand } from '../../format/approvers.js';
import { type Denial, denial } from '../../format/denial.js';
import { jcsText } from '../../format/jcs.js';
import type { PendingDemand, PendingNotice } from '../../format/pending.js';
import { maxStatementBytes, statementText } from '../../format/statement.js';
import type { GrantStatement } from '../../format/statement-reader.js';
import type { JsonObject } from '../../format/strict-json.js';
import { parseInstant } from '../../format/time.js';
import type { Request } from '../pipeline/parse.js';
import type { Services } from '../services.js';
import type { PendingRequest } from './pending-requests.js';

type GrantRequest = Extract<Request, { method: 'authorize' | 'sign' }>;

export type Passage =
  /** `spent`: the request whose approvals the statement now names; they are good for nothing else. */
  | { readonly outcome: 'passed'; readonly statement: GrantStatement; readonly spent: PendingRequest | null }
  | { readonly outcome: 'refused'; readonly denial: Denial; readonly waiting: Waiting | null };

/** `isNew`: it waits from now on, which is to be logged before anybody is told its id. */
export interface Waiting {
  readonly pending: PendingRequest;
  readonly isNew: boolean;
}

/** An artifact holds so many approvals at most (predicate.ts). */
const maxHeld = 16;
/** What an approval takes in a statement at most, about. */
const approvalBytes = 600;

/**
 * Lets a statement pass, with its approvals in it where `demands` are not empty. Whatever differs from what was approved, be it a
 * byte of the action, a digest, the environment, who asks or the bundle, is another request, and waits for approvals of its own.
 * Denies APPROVAL_REQUIRED, OVERLOADED where too much waits, POLICY_DENIED for demands that no artifact can hold, and TOO_LARGE.
 */
export function passApprovals(
  services: Pick<Services, 'policy' | 'pendingRequests'>,
  request: GrantRequest,
  statement: GrantStatement,
  demands: readonly ApprovalDemand[],
): Passage {
  if (demands.length === 0) return { outcome: 'passed', statement, spent: null };
  const { pendingRequests, policy } = services;
  const { predicate } = statement;
  const nowMs = parseInstant(predicate.validity.notBefore);
  const matter = matterOf(predicate);
  const options = optionsOf(request);
  const impossible = impossibility(statement, options, demands);
  if (impossible !== null) return refused(impossible, null);
  const waiting = pendingRequests.findLike(matter, nowMs);
  waiting?.demandNow(demands);
  if (waiting?.isApproved === true && pendingRequests.take(waiting)) {
    const governance = { ...predicate.governance, approvals: waiting.approvals };
    const approved = { ...statement, predicate: { ...predicate, governance } };
    return { outcome: 'passed', statement: approved, spent: waiting };
  }
  if (waiting !== null) return refused(approvalRequired(waiting), { pending: waiting, isNew: false });
  const { scope, initiator, environment, policy: decided, lineage } = predicate;
  const grant = { scope, initiator, environment, policy: decided, lineage };
  const asked = { method: request.method, options, grant, matter, rule: policy.approvalRule };
  const opened = pendingRequests.open(asked, demands, nowMs, policy.approvalSeconds * 1000);
  if (opened === null)
    return refused(denial('OVERLOADED', 'too many requests wait for approval', later), null);
  return refused(approvalRequired(opened), { pending: opened, isNew: true });
}

const later = 'Have those approved that wait (writ approve --list), or wait until they expire.';

/** What is missing of a request, for its initiator and for approvers. */
export function noticeOf(pending: PendingRequest): PendingNotice {
  const { id, expires, request, approvals } = pending;
  const people = approvals.map(({ approver }) => approver);
  const demands = pending.demands.map(({ group, approvals: count }): PendingDemand => {
    const members = request.rule.approvers.groups.get(group) ?? [];
    return { group, approvals: count, members, given: members.filter((member) => people.includes(member)) };
  });
  return { id, expires, demands };
}

function refused(reason: Denial, waiting: Waiting | null): Passage {
  return { outcome: 'refused', denial: reason, waiting };
}

function approvalRequired(pending: PendingRequest): Denial<'APPROVAL_REQUIRED'> {
  const { id, expires, demands } = noticeOf(pending);
  const needed = demands.map(
    ({ group, approvals, given }) => `${approvals} by ${group} (${given.length} given)`,
  );
  return denial(
    'APPROVAL_REQUIRED',
    `the policy demands approvals: ${needed.join(', ')}; the request waits as ${id} until ${expires}`,
    `Have it approved (writ approve ${id}), then ask exactly the same again.`,
  );
}

/** Why it can never be sealed with its approvals, which must be known before anybody is asked for them; or null. */
function impossibility(
  statement: GrantStatement,
  options: JsonObject,
  demands: readonly ApprovalDemand[],
): Denial | null {
  const held = demands.reduce((sum, { approvals }) => sum + approvals, 0);
  if (held > maxHeld) {
    const message = `the policies demand ${held} approvals of one request, more than an artifact can hold (${maxHeld})`;
    return denial('POLICY_DENIED', message, 'Ask the owner of the policy bundle to demand fewer.');
  }
  try {
    // Approvers are shown the options beside what comes of them.
    const statementBytes = Buffer.byteLength(statementText(statement));
    const sizeBytes = statementBytes + Buffer.byteLength(jcsText(options)) + held * approvalBytes;
    if (sizeBytes <= maxStatementBytes) return null;
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
  }
  return denial(
    'TOO_LARGE',
    `with its approvals and its options, the statement would be longer than ${maxStatementBytes} bytes`,
  );
}

/** The parameters without what the scope repeats. A request that was read has no field without a value. */
function optionsOf({ params }: GrantRequest): JsonObject {
  const repeated = new Set(['action', 'blob']);
  return Object.fromEntries(Object.entries(params).filter(([name]) => !repeated.has(name)));
}
