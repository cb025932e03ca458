/**
 * Decides by Cedar, deny by default. Allowed is only what Cedar answers with success, `allow` and no error in any
 * policy: Cedar itself skips a policy that fails to evaluate, and a skipped `forbid` must not become a permission.
 */

import { type ApprovalDemand, strictestDemands } from '../format/approvers.js';
import { type Denial, denial } from '../format/denial.js';
import { hexEncode } from '../format/hex.js';
import { jcsText, type RememberedTexts } from '../format/jcs.js';
import { utf8Encode } from '../format/utf8.js';
import { sha3_512 } from '../hash/evidence.js';
import { BoundedMemory } from './bounded-memory.js';
import type { PolicyBundle } from './bundle.js';
import {
  type Cedar,
  type CedarAnswer,
  type CedarResponse,
  cedarMessages,
  cedarRequest,
  createCedar,
} from './cedar.js';
import type { PolicyInput } from './input.js';
import { memberships } from './memberships.js';

/** What was decided, and by which policies (ids, sorted). */
export type PolicyDecision = Judgement & {
  /** The document that was decided on, as canonical JSON: what to keep so that the decision can be replayed. */
  readonly input: Uint8Array;
  /** SHA3-512 of `input`, lower-case hex. */
  readonly inputDigest: string;
};

/** Decides under one bundle; what it remembers of earlier decisions never changes a later one. */
export interface PolicyEngine {
  /** The library and its version, like `cedar-4.13.0`. */
  readonly version: string;
  /**
   * Decides on one input, built by `policyInput` with the time if and only if `bundle.needsTime`. Whatever cannot be
   * decided is POLICY_DENIED: an error in a policy, an input that the schema refuses, a trap inside Cedar. Throws
   * EngineBrokenError, and TypeError for an input that has no canonical JSON form.
   */
  decide(input: PolicyInput): PolicyDecision;
}

/**
 * Thrown when Cedar does not start, or does not take a bundle that was validated before. Nothing can be decided in
 * this process any more: end it, and let whoever supervises it start another.
 */
export class EngineBrokenError extends Error {
  constructor(problem: string, options?: ErrorOptions) {
    super(`the policy engine is broken: ${problem}; restart the daemon`, options);
    this.name = 'EngineBrokenError';
  }
}

type Judgement = Allowed | Denied;

interface Allowed {
  readonly decision: 'allow';
  readonly determining: readonly string[];
  /** Approvals that the determining policies demand; all must be there before anything is granted. Empty: none. */
  readonly approvals: readonly ApprovalDemand[];
}

interface Denied {
  readonly decision: 'deny';
  readonly determining: readonly string[];
  /** `undecided`: no policy says so, but the question could not be put to them, or one of them failed. */
  readonly ground: 'unpermitted' | 'forbidden' | 'undecided';
  readonly denial: Denial<'POLICY_DENIED'>;
}

type Answer = CedarAnswer | { readonly type: 'trapped'; readonly problem: string };

const rememberedBytes = 16 << 20;
const maxMessageLength = 1000;
const ownersRemedy = 'Ask the owner of the policy bundle to correct the policies; docs/policy.md says how.';

/** What of a bundle decides. */
export type DecidingBundle = Pick<
  PolicyBundle,
  'name' | 'digest' | 'policies' | 'schema' | 'entities' | 'needsTime' | 'readableTags' | 'approvalDemands'
>;

/** Prepares a bundle for decisions; parts of inputs may be remembered in `texts`. Throws EngineBrokenError. */
export function createEngine(bundle: DecidingBundle, texts: RememberedTexts | null = null): PolicyEngine {
  return new CedarEngine(bundle, texts);
}

class CedarEngine implements PolicyEngine {
  readonly version: string;
  readonly #bundle: DecidingBundle;
  /** By the whole document that was decided on. */
  readonly #remembered = new BoundedMemory<PolicyDecision>(rememberedBytes);
  readonly #texts: RememberedTexts | null;
  /** Null after a trap, until the next decision makes another. */
  #cedar: Cedar | null;

  constructor(bundle: DecidingBundle, texts: RememberedTexts | null) {
    this.#bundle = bundle;
    this.#texts = texts;
    this.#cedar = prepare(bundle);
    this.version = `cedar-${this.#cedar.getCedarVersion()}`;
  }

  decide(document: PolicyInput): PolicyDecision {
    const text = jcsText(document, this.#texts);
    const known = this.#remembered.find(text);
    if (known !== null) return known;
    const input = utf8Encode(text);
    const answer = this.#evaluate(document, text);
    const decision = {
      ...judge(answer, document, this.#bundle),
      input,
      inputDigest: hexEncode(sha3_512(input)),
    };
    // A trap says nothing lasting about the input, and what depends on the time never comes again.
    if (answer.type !== 'trapped' && !this.#bundle.needsTime)
      this.#remembered.keep(text, decision, 2 * text.length + input.length);
    return decision;
  }

  #evaluate(document: PolicyInput, inputText: string): Answer {
    this.#cedar ??= prepare(this.#bundle);
    try {
      return this.#cedar.statefulIsAuthorized({
        ...cedarRequest(inputText, memberships(this.#bundle.entities, document), this.#bundle.readableTags),
        preparsedPolicySetId: this.#bundle.digest,
        preparsedSchemaName: this.#bundle.digest,
        validateRequest: true,
      });
    } catch (cause) {
      this.#cedar = null;
      return { type: 'trapped', problem: cause instanceof Error ? cause.message : String(cause) };
    }
  }
}

/** A new instance that holds the bundle's policies and schema under the bundle's digest. */
function prepare({ digest, policies, schema }: DecidingBundle): Cedar {
  try {
    const cedar = createCedar();
    const answers = [
      cedar.preparsePolicySet(digest, { staticPolicies: policies }),
      cedar.preparseSchema(digest, schema),
    ];
    const errors = answers.flatMap((answer) => (answer.type === 'failure' ? answer.errors : []));
    if (errors.length === 0) return cedar;
    throw new EngineBrokenError(`it refuses a validated bundle (${cedarMessages(errors)})`);
  } catch (cause) {
    if (cause instanceof EngineBrokenError) throw cause;
    throw new EngineBrokenError('it does not start', { cause });
  }
}

function judge(answer: Answer, input: PolicyInput, bundle: DecidingBundle): Judgement {
  if (answer.type === 'success') return judgeResponse(answer.response, input, bundle);
  const message =
    answer.type === 'trapped'
      ? `The policy engine broke down over ${describe(input)} (${answer.problem}) and is started anew.`
      : `The policy engine cannot judge ${describe(input)}: ${cedarMessages(answer.errors)}.`;
  return denied('undecided', [], message, ownersRemedy);
}

function judgeResponse(
  { decision, diagnostics }: CedarResponse,
  input: PolicyInput,
  bundle: DecidingBundle,
): Judgement {
  // Cedar names policies and errors in no fixed order.
  const determining = diagnostics.reason.toSorted();
  if (diagnostics.errors.length > 0) {
    const errors = diagnostics.errors.map(({ policyId, error }) => `"${policyId}" (${error.message})`).sort();
    return denied(
      'undecided',
      determining,
      `Policies failed to evaluate, so nothing is permitted: ${errors.join(', ')}.`,
      ownersRemedy,
    );
  }
  if (decision === 'allow') return { decision, determining, approvals: demandsOf(determining, bundle) };
  if (determining.length === 0) {
    return denied('unpermitted', [], `No policy of the bundle "${bundle.name}" permits ${describe(input)}.`);
  }
  const ids = determining.map((id) => `"${id}"`).join(', ');
  const subject = determining.length === 1 ? `The policy ${ids} forbids` : `The policies ${ids} forbid`;
  return denied('forbidden', determining, `${subject} ${describe(input)}.`);
}

function demandsOf(determining: readonly string[], bundle: DecidingBundle): readonly ApprovalDemand[] {
  const demands = determining.map((id) => bundle.approvalDemands.get(id));
  return strictestDemands(demands.filter((demand) => demand !== undefined));
}

function denied(
  ground: Denied['ground'],
  determining: readonly string[],
  message: string,
  remedy?: string,
): Denied {
  return {
    decision: 'deny',
    determining,
    ground,
    denial: denial('POLICY_DENIED', shortened(message), remedy),
  };
}

/** `the action execute on Command "/usr/bin/rm"`; quoted as JSON, so that no name can fake the rest of a sentence. */
function describe({ action, resource }: PolicyInput): string {
  const type = resource.type.slice(resource.type.lastIndexOf(':') + 1);
  return `the action ${action.id} on ${type} ${JSON.stringify(shortened(resource.id, 300))}`;
}

/** Denials are bounded; a cut never leaves half of a surrogate pair. */
function shortened(text: string, maxLength: number = maxMessageLength): string {
  if (text.length <= maxLength) return text;
  return `${text.slice(0, maxLength - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
