/** The policy bundle in force, as the stages of a request see it. */

import { type Denial, denial } from '../format/denial.js';
import type { PolicyBundle } from '../policy/bundle.js';
import type { PolicyEngine } from '../policy/engine.js';
import { type PolicyFacts, PolicyInputError, policyInput } from '../policy/input.js';
import type { Decision, PolicyService } from './services.js';

/** Puts facts to an engine under a bundle. Facts that cannot be put to it are denied. */
export function policyService(bundle: PolicyBundle, engine: PolicyEngine): PolicyService {
  const { digest, version, settings, needsTime, files } = bundle;
  return {
    description: {
      bundle: digest,
      version,
      engine: engine.version,
      files: Object.entries(files).map(([name, text]) => ({ name, text })),
    },
    ...settings,
    needsTime,
    decide: (facts) => decideOn(bundle, engine, facts),
  };
}

function decideOn(bundle: PolicyBundle, engine: PolicyEngine, facts: PolicyFacts): Decision {
  let answer: ReturnType<PolicyEngine['decide']>;
  try {
    answer = engine.decide(policyInput(facts));
  } catch (cause) {
    if (!(cause instanceof PolicyInputError)) throw cause;
    return undecidable(denial('POLICY_DENIED', `the request cannot be put to the policy: ${cause.message}`));
  }
  const record = {
    bundle: bundle.digest,
    version: bundle.version,
    decision: answer.decision,
    determining: answer.determining,
    engine: engine.version,
    input: answer.inputDigest,
  };
  return answer.decision === 'allow'
    ? { decision: 'allow', record, input: answer.input }
    : { decision: 'deny', record, input: answer.input, denial: answer.denial };
}

function undecidable(reason: Denial<'POLICY_DENIED'>): Decision {
  return { decision: 'deny', record: null, input: new Uint8Array(), denial: reason };
}
