/**
 * Which policies let something happen only with approval: those with the annotations `@approvals("2")` and
 * `@approvers("release-managers")`. Cedar ignores annotations, so what is demanded is read from them here, once.
 */

import { type ApprovalDemand, type Approvers, maxApprovals } from '../format/approvers.js';
import { PolicyBundleError } from './bundle-error.js';
import type { PlacedPolicy } from './bundle-policies.js';
import type { EntityUid } from './cedar.js';

/** What is granted, and so can wait for approval. */
const approvableActions = ['execute', 'call', 'sign'];

/**
 * The demand of each policy that has one, by the policy's id. Throws PolicyBundleError for whatever could be taken for a demand
 * and is none: one of the two annotations alone, a `forbid`, a policy for other actions, a group that is not there or
 * too small, an annotation that is spelt otherwise. A demand that nobody notices would be a permission.
 */
export function approvalDemands(
  policies: readonly PlacedPolicy[],
  approvers: Approvers,
): ReadonlyMap<string, ApprovalDemand> {
  const demands = new Map<string, ApprovalDemand>();
  for (const policy of policies) {
    const { approvals, approvers: group, ...others } = policy.json.annotations ?? {};
    const misspelt = Object.keys(others).find((name) => /^approv/i.test(name));
    if (misspelt !== undefined) throw fault(policy, `has an annotation @${misspelt}, which means nothing`);
    if (approvals === undefined && group === undefined) continue;
    demands.set(policy.id, demandOf(policy, approvals, group, approvers));
  }
  return demands;
}

function demandOf(
  policy: PlacedPolicy,
  approvals: unknown,
  group: unknown,
  approvers: Approvers,
): ApprovalDemand {
  if (policy.json.effect !== 'permit') throw fault(policy, 'demands approvals, which only a permit can');
  const actions = actionsOf(policy);
  if (actions === null || actions.some((action) => !approvableActions.includes(action)))
    throw fault(policy, 'demands approvals, but is not only for the actions execute, call and sign');
  if (typeof approvals !== 'string' || !/^[1-9]\d?$/.test(approvals) || Number(approvals) > maxApprovals)
    throw fault(policy, `has no annotation @approvals with a number from 1 to ${maxApprovals}`);
  if (typeof group !== 'string') throw fault(policy, 'has no annotation @approvers with the name of a group');
  const members = approvers.groups.get(group);
  if (members === undefined) throw fault(policy, `names the group "${group}", which approvers.toml lacks`);
  const demand = { group, approvals: Number(approvals) };
  if (members.length < demand.approvals)
    throw fault(policy, `demands ${approvals} approvals of "${group}", which has ${members.length} members`);
  return demand;
}

/** The names of the actions in the head of a policy, or null where it is for any. */
function actionsOf({ json: { action } }: PlacedPolicy): readonly string[] | null {
  switch (action.op) {
    case 'All':
      return null;
    case '==':
      return 'entity' in action ? [idOf(action.entity)] : null;
    case 'in':
      return ('entities' in action ? action.entities : [action.entity]).map(idOf);
  }
}

function idOf(entity: EntityUid): string {
  return '__entity' in entity ? entity.__entity.id : entity.id;
}

function fault({ id, file, line }: PlacedPolicy, problem: string): PolicyBundleError {
  return new PolicyBundleError(
    file,
    `the policy "${id}" at line ${line} ${problem}`,
    'Correct it; docs/approvals.md shows how approvals are demanded.',
  );
}
