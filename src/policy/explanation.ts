/**
 * Why a decision came out as it did, in the policies' own terms: which of them apply, of the others what they demand that is not met,
 * and which facts they saw. Cedar is asked about every part of every policy by itself; nothing is worked out beside it.
 */

import { jcsText } from '../format/jcs.js';
import {
  type Cedar,
  type CedarAnswer,
  cedarMessages,
  cedarRequest,
  createCedar,
  type Policy,
} from './cedar.js';
import { createEngine } from './engine.js';
import type { PolicyInput } from './input.js';
import { memberships } from './memberships.js';
import type { PastBundle } from './past-bundle.js';
import { asPermit, type PolicyPart, policyParts } from './policy-parts.js';
import { type SeenFact, SeenFacts } from './seen-facts.js';

/** `unreached`: it cannot be evaluated, but an earlier part fails, so Cedar does not. */
export type PartOutcome = 'holds' | 'fails' | 'unreached' | 'errs';

export interface ExplainedPart {
  readonly where: PolicyPart['where'];
  readonly text: string;
  readonly outcome: PartOutcome;
  readonly facts: readonly SeenFact[];
  readonly alternatives: readonly ExplainedPart[];
}

export interface ExplainedPolicy {
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  readonly applies: boolean;
  /** How many of its parts are not met. */
  readonly missing: number;
  readonly parts: readonly ExplainedPart[];
}

export interface Explanation {
  readonly decision: 'allow' | 'deny';
  readonly ground: 'permitted' | 'unpermitted' | 'forbidden' | 'undecided';
  /** What the daemon says of a denial. */
  readonly message: string | null;
  readonly determining: readonly string[];
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  /** Policies for this action: those that lack the least first, forbids before permits. */
  readonly policies: readonly ExplainedPolicy[];
}

/** Explains what the bundle says to an input. Throws EngineBrokenError, and what Cedar throws when it traps. */
export function explain(bundle: PastBundle, input: PolicyInput): Explanation {
  const decided = createEngine(bundle).decide(input);
  const seen = new SeenFacts(input, bundle.entities);
  return {
    decision: decided.decision,
    ground: decided.decision === 'allow' ? 'permitted' : decided.ground,
    message: decided.decision === 'allow' ? null : decided.denial.message,
    determining: decided.determining,
    principal: seen.of('principal').value,
    action: input.action.id,
    resource: seen.of('resource').value,
    policies: explainPolicies(bundle, input, seen),
  };
}

function explainPolicies(
  bundle: PastBundle,
  input: PolicyInput,
  seen: SeenFacts,
): readonly ExplainedPolicy[] {
  const cedar = createCedar();
  const probes = new Map<string, Policy>();
  const policies = bundle.placed.map((policy, at) => {
    const { id, json } = policy;
    const parts = policyParts(cedar, policy);
    addProbes(probes, `${at}`, parts);
    probes.set(`${at}`, asPermit(policy));
    return { id, effect: json.effect, key: `${at}`, parts };
  });
  const answers = askAll(cedar, bundle, input, probes);
  return policies
    .filter(({ key, parts }) => isForAction(answers, key, parts))
    .map(({ id, effect, key, parts }) => explainPolicy(id, effect, answers, key, parts, seen))
    .sort((left, right) => rankOf(left) - rankOf(right));
}

function addProbes(probes: Map<string, Policy>, key: string, parts: readonly PolicyPart[]): void {
  for (const [at, { probe, alternatives }] of parts.entries()) {
    probes.set(`${key}.${at}`, probe);
    addProbes(probes, `${key}.${at}`, alternatives);
  }
}

/** Which of the probes apply, and which cannot be evaluated. */
interface Answers {
  readonly applying: ReadonlySet<string>;
  readonly erring: ReadonlySet<string>;
}

/** Cedar names every permit that applies, so one question answers all. */
function askAll(
  cedar: Cedar,
  bundle: PastBundle,
  input: PolicyInput,
  probes: ReadonlyMap<string, Policy>,
): Answers {
  const answer: CedarAnswer = cedar.isAuthorized({
    ...cedarRequest(jcsText(input), memberships(bundle.entities, input), 'all'),
    policies: { staticPolicies: Object.fromEntries(probes) },
  });
  if (answer.type === 'failure')
    throw new TypeError(`Cedar does not take the input: ${cedarMessages(answer.errors)}`);
  const { reason, errors } = answer.response.diagnostics;
  return { applying: new Set(reason), erring: new Set(errors.map(({ policyId }) => policyId)) };
}

function isForAction({ applying }: Answers, key: string, parts: readonly PolicyPart[]): boolean {
  const at = parts.findIndex(({ where }) => where === 'action');
  return at === -1 || applying.has(`${key}.${at}`);
}

function explainPolicy(
  id: string,
  effect: ExplainedPolicy['effect'],
  answers: Answers,
  key: string,
  parts: readonly PolicyPart[],
  seen: SeenFacts,
): ExplainedPolicy {
  const explained = explainParts(answers, key, parts, seen);
  return {
    id,
    effect,
    applies: answers.applying.has(key),
    missing: explained.filter(({ outcome }) => outcome !== 'holds').length,
    parts: explained,
  };
}

function explainParts(
  { applying, erring }: Answers,
  key: string,
  parts: readonly PolicyPart[],
  seen: SeenFacts,
): readonly ExplainedPart[] {
  let failed = false;
  return parts.map(({ where, text, expression, alternatives }, at) => {
    const name = `${key}.${at}`;
    let outcome: PartOutcome = 'fails';
    if (applying.has(name)) outcome = 'holds';
    else if (erring.has(name)) outcome = failed ? 'unreached' : 'errs';
    failed ||= outcome !== 'holds';
    const facts = factsOf(where, expression, seen);
    return {
      where,
      text,
      outcome,
      facts,
      // What is joined by "or" is evaluated one by one: none of them keeps another from being reached.
      alternatives: alternatives.map((alternative, position) =>
        single({ applying, erring }, `${name}.${position}`, alternative, seen),
      ),
    };
  });
}

function single(
  { applying, erring }: Answers,
  name: string,
  { where, text, expression }: PolicyPart,
  seen: SeenFacts,
): ExplainedPart {
  const outcome = applying.has(name) ? 'holds' : erring.has(name) ? 'unreached' : 'fails';
  return { where, text, outcome, facts: seen.in(expression), alternatives: [] };
}

function factsOf(
  where: PolicyPart['where'],
  expression: PolicyPart['expression'],
  seen: SeenFacts,
): readonly SeenFact[] {
  if (expression !== null) return seen.in(expression);
  return where === 'when' || where === 'unless' ? [] : [seen.of(where)];
}

function rankOf({ effect, applies, missing }: ExplainedPolicy): number {
  return (applies ? 0 : 2000 + 2 * missing) + (effect === 'forbid' ? 0 : 1);
}
