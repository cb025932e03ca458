/**
 * `verify(artifact, trust, situation) -> Verdict`, for one artifact and for many: pure; the same code in daemon, command
 * line, SDK and browser.
 */

import { denial } from '../format/denial.js';
import type { Trust } from '../format/trust.js';
import { type Authentication, authenticate, authenticateBatch } from './authenticate.js';
import { CitedQuotes } from './cited-quote.js';
import { VerificationContext } from './context.js';
import { judge } from './judgement.js';
import type { Situation } from './situation.js';
import { judgeStanding, type StandingJudgement } from './standing.js';
import type { AuthenticStatement, Verdict } from './verdict.js';

/**
 * Verifies an artifact (a DSSE envelope, already parsed from JSON by `parseJson`).
 *
 * Valid only if the envelope's payload is proven to lie in a log of the trust bundle, and the statement permits what
 * the situation describes. Otherwise denied, with every code that applies: NO_AUTHORIZATION, MALFORMED,
 * BAD_SIGNATURE, POLICY_DENIED, POLICY_MISMATCH, REPLAYED, IDENTITY_MISMATCH, ENVIRONMENT_MISMATCH, LINEAGE_BROKEN,
 * REVOKED, EXPIRED, NOT_YET_VALID, SCOPE_MISMATCH.
 *
 * A caller that verifies often keeps one `context`: it saves the work of preparing keys and of checking the same
 * checkpoint again, and changes no verdict.
 */
export function verify(
  artifact: unknown,
  trust: Trust,
  situation: Situation,
  context: VerificationContext = new VerificationContext(),
): Verdict {
  return verdictOn(authenticate(artifact, trust, context), trust, situation, new CitedQuotes(trust, context));
}

/**
 * Verifies many artifacts: for each, in their order, exactly the verdict of `verify`, whatever the others are. What they
 * have in common (keys, checkpoint signatures, tree nodes, quotes) is checked once.
 * @param situation the one situation of all, or what gives that of the artifact at a position
 */
export function verifyBatch(
  artifacts: readonly unknown[],
  trust: Trust,
  situation: Situation | ((position: number) => Situation),
  context: VerificationContext = new VerificationContext(),
): Verdict[] {
  const quotes = new CitedQuotes(trust, context);
  const situationAt = typeof situation === 'function' ? situation : () => situation;
  return authenticateBatch(artifacts, trust, context, (result, position) =>
    verdictOn(result, trust, situationAt(position), quotes),
  );
}

function verdictOn(
  result: Authentication,
  { policyAuthorities }: Trust,
  situation: Situation,
  quotes: CitedQuotes,
): Verdict {
  if (result.outcome === 'denied') {
    // What a forged artifact says is judged too, only to name every code that applies.
    const statement = result.claimed?.content === 'statement' ? result.claimed.statement : null;
    const denials =
      statement === null
        ? []
        : judge({ id: null, statement }, situation, undefined, policyAuthorities).denials;
    return {
      verdict: 'denied',
      denials: [result.denial, ...denials],
      artifact: null,
      record: null,
      unproven: [],
    };
  }
  const { id, payload, index, checkpoint } = result.authentic;
  if (payload.content === 'record') {
    const reason = denial(
      'NO_AUTHORIZATION',
      `this is a log record of kind ${payload.kind}, which permits nothing by itself`,
    );
    const { record } = payload;
    return {
      verdict: 'denied',
      denials: [reason],
      artifact: null,
      record: { id, record, index, checkpoint },
      unproven: [],
    };
  }
  const authentic = { id, statement: payload.statement, index, checkpoint };
  const { denials, unproven } = judge(
    { id, statement: payload.statement },
    situation,
    (predicate, quote) => quotes.judge(predicate, index, quote),
    policyAuthorities,
  );
  const standing = standingOf(authentic, situation);
  const [first, ...others] = standing.outcome === 'denied' ? [...denials, ...standing.denials] : denials;
  const open =
    standing.outcome === 'standing'
      ? unproven.map((note) => (note.what === 'no-later-revocation' ? standing.rest : note))
      : unproven;
  return first === undefined
    ? { verdict: 'valid', artifact: authentic, unproven: open }
    : { verdict: 'denied', denials: [first, ...others], artifact: authentic, record: null, unproven: open };
}

/** What a standing status says, where one was presented and the log's own state is not known. */
function standingOf(
  { id, index, statement }: AuthenticStatement,
  { standing, state, parent, nowMs }: Situation,
): StandingJudgement {
  if (standing === null || state !== null || statement.predicateType === 'urn:writ:denial:v1')
    return { outcome: 'silent' };
  return judgeStanding({ id, index, predicate: statement.predicate, parent }, standing, nowMs);
}
