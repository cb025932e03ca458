/**
 * Policies that change nothing because of another one. Cedar's validator does not compare policies, and no proof is attempted
 * here: only what can be read off their form is said, and everything that is said holds.
 */

import { isDeepStrictEqual } from 'node:util';
import { isExact, type PlacedPolicy } from './bundle-policies.js';
import type { PolicyJson } from './cedar.js';

export interface BundleRemark {
  readonly file: string;
  readonly line: number;
  readonly policy: string;
  /** A sentence. */
  readonly text: string;
}

/** What can be said of each policy, in their order. */
export function bundleRemarks(all: readonly PlacedPolicy[]): readonly BundleRemark[] {
  const policies = all.filter(({ json }) => isExact(json));
  return policies.flatMap((policy, at) => {
    const { file, line, id } = policy;
    // What else is annotated may be meant for somebody who reads it, so such policies are not told to go.
    const others = policies.filter(
      (other) => other !== policy && isDeepStrictEqual(marksOf(other.json), marksOf(policy.json)),
    );
    const twin = others.find((other) => policies.indexOf(other) < at && saysTheSame(other.json, policy.json));
    const wider = others.find(
      (other) => isWider(other.json, policy.json) && !isWider(policy.json, other.json),
    );
    const says = (text: string): readonly BundleRemark[] => [{ file, line, policy: id, text }];
    if (twin !== undefined)
      return says(`The policy "${id}" says the same as "${twin.id}": one of them can go.`);
    if (wider === undefined) return [];
    if (wider.json.effect === policy.json.effect)
      return says(
        `The policy "${id}" changes no decision: "${wider.id}" applies wherever it does. Remove it, or narrow the other.`,
      );
    return policy.json.effect === 'permit'
      ? says(`The policy "${id}" never permits anything: "${wider.id}" forbids wherever it applies.`)
      : [];
  });
}

function marksOf({ annotations = {} }: PolicyJson): object {
  const { id: _, ...marks } = annotations;
  return marks;
}

function saysTheSame(one: PolicyJson, other: PolicyJson): boolean {
  return one.effect === other.effect && covers(one, other) && covers(other, one);
}

/** Whether `wider` applies wherever `narrower` does, and has a say over it: the same effect, or a forbid. */
function isWider(wider: PolicyJson, narrower: PolicyJson): boolean {
  return (wider.effect === narrower.effect || wider.effect === 'forbid') && covers(wider, narrower);
}

/** Whether each part of the head is the same or unrestricted, and each condition is one of the narrower policy too. */
function covers(wider: PolicyJson, narrower: PolicyJson): boolean {
  const parts = ['principal', 'action', 'resource'] as const;
  return (
    parts.every((part) => wider[part].op === 'All' || isDeepStrictEqual(wider[part], narrower[part])) &&
    wider.conditions.every((condition) =>
      narrower.conditions.some((candidate) => isDeepStrictEqual(candidate, condition)),
    )
  );
}
