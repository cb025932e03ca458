/**
 * Which policies let something happen only with approval: those with the annotations `@approvals("2")` and
 * `@approvers("release-managers")`. Cedar ignores annotations, so what is demanded is read from them here, once.
 */

import { type ApprovalDemand, type Approvers, maxApprovals } from '../format/approvers.js';
import { PolicyBundleError } from './bundle-error.js';
import type { PlacedPolicy } from './bundle-policies.js';

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
    const { approvals, approvers: group, ...others } = annotationsOf(policy);
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
  if (effectOf(policy) !== 'permit') throw fault(policy, 'demands approvals, which only a permit can');
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

function annotationsOf({ json }: PlacedPolicy): Readonly<Record<string, unknown>> {
  return isObject(json) && isObject(json.annotations) ? json.annotations : {};
}

function effectOf({ json }: PlacedPolicy): unknown {
  return isObject(json) ? json.effect : undefined;
}

/** The names of the actions in the head of a policy, or null where it is for any. */
function actionsOf({ json }: PlacedPolicy): readonly string[] | null {
  const scope = isObject(json) && isObject(json.action) ? json.action : {};
  const named = Array.isArray(scope.entities) ? scope.entities : [scope.entity];
  const names = named.map((entity) => (isObject(entity) ? entity.id : undefined));
  return names.every((name) => typeof name === 'string') ? names : null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function fault({ id, file, line }: PlacedPolicy, problem: string): PolicyBundleError {
  return new PolicyBundleError(
    file,
    `the policy "${id}" at line ${line} ${problem}`,
    'Correct it; docs/approvals.md shows how approvals are demanded.',
  );
}
