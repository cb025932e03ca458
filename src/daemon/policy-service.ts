/** A policy bundle, as the stages of a request see the one in force. */

import { type Denial, denial } from '../format/denial.js';
import type { RememberedTexts } from '../format/jcs.js';
import type { PolicyBundle } from '../policy/bundle.js';
import { type CallerEntities, type CallerFacts, callerEntities } from '../policy/caller-entities.js';
import type { PolicyDecision, PolicyEngine } from '../policy/engine.js';
import { PolicyInputError } from '../policy/entity.js';
import { type PolicyFacts, policyInput } from '../policy/input.js';
import type { Caller } from './caller.js';
import type { Decision } from './decision.js';
import type { BundleSignature } from './governance/admission.js';
import type { PolicyService } from './services.js';

/** Puts facts to an engine under a bundle. Facts that cannot be put to it are denied. `signature`: who answers for it. */
export function policyService(
  bundle: PolicyBundle,
  engine: PolicyEngine,
  texts: RememberedTexts,
  signature: BundleSignature | null,
): PolicyService {
  const { name, digest, version, settings, needsTime, optionalActions, files } = bundle;
  const questions = new Questions(bundle, engine, texts);
  return {
    description: {
      bundle: digest,
      name,
      version,
      authority: signature?.authority ?? null,
      proof: signature?.proof ?? null,
      engine: engine.version,
      files: Object.entries(files).map(([file, text]) => ({ name: file, text })),
    },
    ...settings,
    needsTime,
    judgesChanges: optionalActions.has('overlook'),
    judgesActivations: optionalActions.has('activate'),
    name,
    authority: signature?.authority ?? null,
    judges: (input) => {
      const decision = engine.decide(input);
      return decision.decision === 'allow' || decision.ground !== 'undecided';
    },
    approvalRule: bundle,
    decide: (caller, facts) => questions.decide(caller, facts),
  };
}

type QuestionFacts = Omit<PolicyFacts, keyof CallerFacts>;

const maxShortAnswers = 256;

/**
 * All that a redemption or revocation without claims adds to its caller, as one text; null for any other request, and
 * where the time is part of the input.
 */
function shortName({
  request,
  claimed,
  purpose,
  ticket,
  attest,
  anchor,
  lineageDepth,
  governed,
  nowSeconds,
}: QuestionFacts): string | null {
  if (request.type !== 'redeem' && request.type !== 'revoke') return null;
  const claims = [claimed.agent, claimed.user, purpose, ticket, attest, anchor, nowSeconds];
  return claims.every((claim) => claim === null)
    ? `${request.type} ${request.ownerUid} ${request.bind} ${request.withinRun} ${lineageDepth} ${governed}`
    : null;
}

/** What many requests have in common is worked out once: the entities of a caller, and the record of a decision. */
class Questions {
  readonly #bundle: PolicyBundle;
  readonly #engine: PolicyEngine;
  readonly #texts: RememberedTexts;
  readonly #entities = new WeakMap<object, CallerEntities>();
  readonly #decisions = new WeakMap<PolicyDecision, Decision>();
  /** Decisions on requests that a caller and a few words describe. */
  readonly #shortAnswers = new WeakMap<object, Map<string, Decision>>();

  constructor(bundle: PolicyBundle, engine: PolicyEngine, texts: RememberedTexts) {
    this.#bundle = bundle;
    this.#engine = engine;
    this.#texts = texts;
  }

  decide(caller: Caller, facts: QuestionFacts): Decision {
    const name = shortName(facts);
    const answers = this.#shortAnswers.get(caller.likeness);
    const known = name === null ? undefined : answers?.get(name);
    if (known !== undefined) return known;
    const decision = this.#ask(caller, facts);
    // A denial may come of a trap, which says nothing lasting.
    if (name === null || decision.decision === 'deny') return decision;
    if (answers === undefined) this.#shortAnswers.set(caller.likeness, new Map([[name, decision]]));
    else if (answers.size < maxShortAnswers) answers.set(name, decision);
    return decision;
  }

  #ask(caller: Caller, facts: QuestionFacts): Decision {
    let answer: PolicyDecision;
    try {
      answer = this.#engine.decide(policyInput({ ...caller, ...facts }, this.#entitiesOf(caller)));
    } catch (cause) {
      if (!(cause instanceof PolicyInputError)) throw cause;
      return undecidable(
        denial('POLICY_DENIED', `the request cannot be put to the policy: ${cause.message}`),
      );
    }
    const known = this.#decisions.get(answer);
    if (known !== undefined) return known;
    const decision = this.#decisionOf(answer);
    this.#decisions.set(answer, decision);
    return decision;
  }

  #entitiesOf(caller: Caller): CallerEntities {
    const known = this.#entities.get(caller.likeness);
    if (known !== undefined) return known;
    const entities = callerEntities(caller);
    this.#texts.remember(caller.peer);
    this.#texts.remember(caller.environment);
    this.#texts.remember(entities.principal);
    this.#texts.remember(entities.environment);
    this.#entities.set(caller.likeness, entities);
    return entities;
  }

  #decisionOf(answer: PolicyDecision): Decision {
    const record = this.#texts.remember({
      bundle: this.#bundle.digest,
      version: this.#bundle.version,
      decision: answer.decision,
      determining: answer.determining,
      engine: this.#engine.version,
      input: answer.inputDigest,
    });
    return answer.decision === 'allow'
      ? { decision: 'allow', record, input: answer.input, approvals: answer.approvals }
      : { decision: 'deny', record, input: answer.input, denial: answer.denial };
  }
}

function undecidable(reason: Denial<'POLICY_DENIED'>): Decision {
  return { decision: 'deny', record: null, input: new Uint8Array(), denial: reason };
}
