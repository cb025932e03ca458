/**
 * Are the approvals of an artifact real, of this very artifact, and enough? The signatures prove themselves; who the
 * approvers are, and how many it takes, only the policy bundle says.
 */

import { approvalDocument, approvalMessage, matterOf } from '../format/approval.js';
import { type ApprovalDemand, type Approvers, strictestDemands } from '../format/approvers.js';
import { base64Decode } from '../format/base64.js';
import { type Denial, denial } from '../format/denial.js';
import type { Approval, GrantPredicate } from '../format/predicate.js';
import { parseInstant } from '../format/time.js';
import { verifyingKey } from './ed25519.js';
import { unproven } from './unproven.js';
import type { Unproven } from './verdict.js';

/** What a policy bundle (`digest`: SHA3-512, hex) says of approvals: who may give them, and which policies demand them. */
export interface ApprovalRule {
  readonly digest: string;
  readonly approvers: Approvers;
  /** By policy id. */
  readonly approvalDemands: ReadonlyMap<string, ApprovalDemand>;
}

/** Approvals of one group that are missing. */
export interface MissingApprovals {
  readonly group: string;
  readonly missing: number;
}

/** Whether the approval is signed, by its key, over this message. Never throws. */
export function isSignedApproval(
  { key, signature }: Pick<Approval, 'key' | 'signature'>,
  message: Uint8Array,
): boolean {
  try {
    return verifyingKey(base64Decode(key)).verify(message, base64Decode(signature));
  } catch (cause) {
    // What is no key, or no base64, has signed nothing.
    if (cause instanceof RangeError || cause instanceof SyntaxError) return false;
    throw cause;
  }
}

/** The demands that these people do not meet; each of them counts once in every group that has them. */
export function missingApprovals(
  demands: readonly ApprovalDemand[],
  { groups }: Approvers,
  people: readonly string[],
): readonly MissingApprovals[] {
  const given = new Set(people);
  return demands.flatMap(({ group, approvals }) => {
    const members = groups.get(group) ?? [];
    const missing = approvals - members.filter((member) => given.has(member)).length;
    return missing > 0 ? [{ group, missing }] : [];
  });
}

export interface ApprovalJudgement {
  readonly denials: readonly Denial[];
  readonly unproven: readonly Unproven[];
}

/**
 * Judges the approvals of an artifact: BAD_SIGNATURE for one that is for something else, or not by its key; EXPIRED for one that
 * was too old when the artifact was issued; and, where `rule` is that of the artifact's own bundle, BAD_CREDENTIALS for a key
 * that is not the approver's, IDENTITY_MISMATCH for one's own approval, and APPROVAL_REQUIRED for what is missing.
 * Without that rule, who approved is unproven.
 */
export function judgeApprovals(predicate: GrantPredicate, rule: ApprovalRule | null): ApprovalJudgement {
  const { approvals } = predicate.governance;
  const isOwnRule = rule !== null && rule.digest === predicate.policy.bundle;
  if (approvals.length === 0 && !isOwnRule) return { denials: [], unproven: [] };
  return {
    denials: [
      ...signatureFaults(predicate),
      ...repetitionFaults(approvals),
      ...(isOwnRule ? ruleFaults(predicate, rule) : []),
    ],
    unproven: isOwnRule ? [] : [unproven('approvers')],
  };
}

function signatureFaults(predicate: GrantPredicate): Denial[] {
  const { governance, attribution, validity } = predicate;
  if (governance.approvals.length === 0) return [];
  const matter = matterOf(predicate);
  return governance.approvals.flatMap((approval): Denial[] => {
    const document = approvalDocument(matter, attribution.log, approval);
    if (!isSignedApproval(approval, approvalMessage(document, approval.form)))
      return [
        denial(
          'BAD_SIGNATURE',
          `the approval by ${approval.approver} is not for this artifact, or not by its key`,
        ),
      ];
    if (parseInstant(validity.notBefore) < parseInstant(approval.expires)) return [];
    return [
      denial('EXPIRED', `the approval by ${approval.approver} had expired when the artifact was issued`),
    ];
  });
}

function repetitionFaults(approvals: readonly Approval[]): Denial[] {
  const keys = new Set(approvals.map(({ key }) => key));
  const people = new Set(approvals.map(({ approver }) => approver));
  const requests = new Set(approvals.map(({ pending }) => pending));
  const isRepeated = keys.size < approvals.length || people.size < approvals.length || requests.size > 1;
  if (!isRepeated) return [];
  return [denial('BAD_SIGNATURE', 'its approvals are not by different people for one request')];
}

function ruleFaults(
  { governance, initiator, policy }: GrantPredicate,
  { approvers, approvalDemands }: ApprovalRule,
): Denial[] {
  const faults: Denial[] = [];
  for (const { approver, key } of governance.approvals) {
    const person = approvers.people.get(approver);
    if (person === undefined || !person.keys.includes(key))
      faults.push(
        denial('BAD_CREDENTIALS', `the policy bundle names no such key of an approver ${approver}`),
      );
    else if (person.uid === initiator.peer.uid)
      faults.push(denial('IDENTITY_MISMATCH', `${approver} approved an own request`));
  }
  const demands = policy.determining.flatMap((id) => approvalDemands.get(id) ?? []);
  const people = governance.approvals.map(({ approver }) => approver);
  for (const { group, missing } of missingApprovals(strictestDemands(demands), approvers, people))
    faults.push(denial('APPROVAL_REQUIRED', `${missing} of the approvals by ${group} are missing`));
  return faults;
}
