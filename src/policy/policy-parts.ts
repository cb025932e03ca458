/**
 * A policy taken apart into what it demands: the three parts of its head, and of each `when` and `unless` what must hold on its
 * own. Each part comes as a permit that applies if and only if the part is met, so Cedar itself is asked about it.
 */

import { isExact, type PlacedPolicy } from './bundle-policies.js';
import type { Cedar, EntityUid, Expression, Policy, PolicyClause, PolicyJson } from './cedar.js';

export interface PolicyPart {
  readonly where: 'principal' | 'action' | 'resource' | PolicyClause['kind'];
  /** As it would stand in a policy. */
  readonly text: string;
  readonly probe: Policy;
  /** What is evaluated; null in the head. */
  readonly expression: Expression | null;
  /** Where any of several does (`a || b`): each of them. Else empty. */
  readonly alternatives: readonly PolicyPart[];
}

const anything: PolicyJson = {
  effect: 'permit',
  principal: { op: 'All' },
  action: { op: 'All' },
  resource: { op: 'All' },
  conditions: [],
};

/** The parts in the order in which Cedar evaluates them. */
export function policyParts(cedar: Cedar, policy: PlacedPolicy): readonly PolicyPart[] {
  const { json } = policy;
  if (isExact(json))
    return [...headParts(json), ...json.conditions.flatMap((clause) => clauseParts(cedar, clause))];
  const whole: PolicyPart = {
    where: json.conditions[0]?.kind ?? 'when',
    text: 'its conditions, with numbers too large to take them apart',
    probe: asPermit(policy),
    expression: null,
    alternatives: [],
  };
  return [...headParts(json), whole];
}

/** The policy as a permit, to ask whether it applies. */
export function asPermit({ json, text }: PlacedPolicy): Policy {
  if (!isExact(json)) return text.replace(beginning, '$1permit');
  const { principal, action, resource, conditions } = json;
  return { ...anything, principal, action, resource, conditions };
}

/** Annotations and comments, and then the effect. */
const beginning = /^((?:\s|\/\/[^\n]*\n|@\w+(?:\s*\(\s*"(?:[^"\\]|\\.)*"\s*\))?)*)(?:permit|forbid)\b/;

function headParts(policy: PolicyJson): readonly PolicyPart[] {
  return (['principal', 'action', 'resource'] as const).flatMap((where) => {
    const constraint = policy[where];
    if (constraint.op === 'All') return [];
    const text = `${where} ${constraintText(constraint)}`;
    const probe: PolicyJson = { ...anything, [where]: constraint };
    return [{ where, text, probe, expression: null, alternatives: [] }];
  });
}

type Constraint = PolicyJson['principal'] | PolicyJson['action'] | PolicyJson['resource'];

function constraintText(constraint: Constraint): string {
  switch (constraint.op) {
    case 'All':
      return 'is anything';
    case '==':
    case 'in':
      return `${constraint.op} ${targetText(constraint)}`;
    case 'is':
      return `is ${constraint.entity_type}${constraint.in === undefined ? '' : ` in ${targetText(constraint.in)}`}`;
  }
}

function targetText(target: object): string {
  if ('entities' in target) return `[${(target.entities as readonly EntityUid[]).map(uidText).join(', ')}]`;
  return 'entity' in target ? uidText(target.entity as EntityUid) : '?';
}

function uidText(entity: EntityUid): string {
  const { type, id } = '__entity' in entity ? entity.__entity : entity;
  return `${type}::${JSON.stringify(id)}`;
}

/** `when { a && b }` demands both; `unless { a || b }` that neither holds. */
function clauseParts(cedar: Cedar, { kind, body }: PolicyClause): readonly PolicyPart[] {
  return operands(body, kind === 'when' ? '&&' : '||').map((expression) => {
    const part = clausePart(cedar, kind, expression);
    const choices = kind === 'when' ? operands(expression, '||') : [];
    const alternatives = choices.length > 1 ? choices.map((choice) => clausePart(cedar, kind, choice)) : [];
    return { ...part, alternatives };
  });
}

function clausePart(cedar: Cedar, kind: PolicyClause['kind'], body: Expression): PolicyPart {
  const probe: PolicyJson = { ...anything, conditions: [{ kind, body }] };
  return { where: kind, text: clauseText(cedar, probe), probe, expression: body, alternatives: [] };
}

/** `a && b && c` as its three operands, whichever way it nests. */
function operands(expression: Expression, operator: '&&' | '||'): readonly Expression[] {
  const both = (
    expression as Readonly<Record<string, { readonly left: Expression; readonly right: Expression }>>
  )[operator];
  return both === undefined
    ? [expression]
    : [...operands(both.left, operator), ...operands(both.right, operator)];
}

/** The expression as Cedar writes it. */
function clauseText(cedar: Cedar, probe: PolicyJson): string {
  const answer = cedar.policyToText(probe);
  const text = answer.type === 'success' ? answer.text : '';
  return /(?:when|unless) \{ (.*) \};$/s.exec(text)?.[1] ?? JSON.stringify(probe.conditions);
}
