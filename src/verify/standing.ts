/** What a standing status statement says about one artifact: revoked, not revoked as of its time, or nothing. */

import type { ArtifactId } from '../format/artifact-id.js';
import { type Denial, denial } from '../format/denial.js';
import type { GrantPredicate } from '../format/predicate.js';
import { ruleEnds, targetText } from '../format/revocation.js';
import { markOf, type StatusRecord } from '../format/standing-status.js';
import { formatInstant, parseInstant } from '../format/time.js';
import type { Trust } from '../format/trust.js';
import { authenticate } from './authenticate.js';
import { VerificationContext } from './context.js';
import type { ParentArtifact } from './lineage.js';
import type { Unproven } from './verdict.js';

/** A statement that a trusted log holds. */
export interface ProvenStatus {
  readonly id: ArtifactId;
  readonly index: number;
  readonly record: StatusRecord;
}

/** What the verifier was given: `maxAgeSeconds` is his own limit, beside that of the statement; null for none. */
export interface PresentedStatus {
  readonly status: ProvenStatus;
  readonly maxAgeSeconds: number | null;
}

export type StatusProof =
  | { readonly outcome: 'proven'; readonly status: ProvenStatus }
  | { readonly outcome: 'denied'; readonly denial: Denial };

/** `silent`: it says nothing about what the artifact descends from. */
export type StandingJudgement =
  | { readonly outcome: 'denied'; readonly denials: readonly Denial[] }
  | { readonly outcome: 'standing'; readonly rest: Unproven }
  | { readonly outcome: 'silent' };

/** The artifact as it was proven. */
export interface Judged {
  readonly id: ArtifactId;
  readonly index: number;
  readonly predicate: GrantPredicate;
  /** The authorization that it names as its parent, where that was presented. */
  readonly parent: ParentArtifact | null;
}

/** How far a statement's time may lie ahead of the verifier's clock. */
const aheadMs = 5000;

/**
 * Proves that a trusted log holds a standing status. Denies as `authenticate` does, and with NO_AUTHORIZATION for anything
 * else that a log holds.
 */
export function proveStatus(
  candidate: unknown,
  trust: Trust,
  context: VerificationContext = new VerificationContext(),
): StatusProof {
  const result = authenticate(candidate, trust, context);
  if (result.outcome === 'denied') return { outcome: 'denied', denial: result.denial };
  const { id, index, payload } = result.authentic;
  if (payload.content === 'record' && payload.record.type === 'urn:writ:status:v1')
    return { outcome: 'proven', status: { id, index, record: payload.record } };
  const message = `this is a ${payload.kind}, not a standing status`;
  const remedy = 'Get one from the daemon (writ status statement).';
  return { outcome: 'denied', denial: denial('NO_AUTHORIZATION', message, remedy) };
}

/**
 * Compares an artifact with a statement: REVOKED where the statement ends it or what it is known to descend from;
 * STATE_UNVERIFIABLE where the statement is too old, older than the artifact, or of another log; CLOCK_UNTRUSTED where it comes from
 * the future.
 */
export function judgeStanding(
  artifact: Judged,
  { status: { record }, maxAgeSeconds }: PresentedStatus,
  nowMs: number,
): StandingJudgement {
  const ended = endings(artifact, record);
  // What was revoked once stays so, however old the word.
  if (ended.length > 0) return { outcome: 'denied', denials: ended };
  const fault = ageFault(record, maxAgeSeconds, nowMs) ?? placeFault(artifact, record);
  if (fault !== null) return { outcome: 'denied', denials: [fault] };
  if (!coversAncestry(artifact, record)) return { outcome: 'silent' };
  const message = `not revoked as of ${record.time}; nothing here tells of a revocation since then`;
  return { outcome: 'standing', rest: { what: 'revocation-since', message } };
}

function endings({ id, index, predicate, parent }: Judged, record: StatusRecord): Denial[] {
  if (record.log !== predicate.attribution.log) return [];
  const faults: Denial[] = [];
  const marks = new Set(record.revoked);
  const { parent: parentId, root } = predicate.lineage;
  if (marks.has(markOf(id)) || record.compromised.some(({ from, to }) => from <= index && index < to))
    faults.push(revoked('the artifact was revoked', record));
  const ancestors = [parentId, root, parent?.predicate.lineage.parent ?? null].filter(
    (known) => known !== null,
  );
  if (ancestors.some((ancestor) => marks.has(markOf(ancestor))))
    faults.push(revoked('what it was issued under was revoked', record));
  const predicates = parent === null ? [predicate] : [predicate, parent.predicate];
  const rule = record.rules.find((candidate) => predicates.some((known) => ruleEnds(candidate, known)));
  if (rule !== undefined) faults.push(revoked(`${targetText(rule)} was revoked`, record));
  return faults;
}

function revoked(message: string, { time }: StatusRecord): Denial {
  return denial('REVOKED', `${message}, says the status of ${time}`);
}

function ageFault(record: StatusRecord, maxAgeSeconds: number | null, nowMs: number): Denial | null {
  const timeMs = parseInstant(record.time);
  if (timeMs > nowMs + aheadMs) {
    const message = `the status is of ${record.time}, but here it is ${formatInstant(nowMs)}: the age of nothing can be told`;
    return denial('CLOCK_UNTRUSTED', message);
  }
  const lifeSeconds = Math.min(record.validSeconds, maxAgeSeconds ?? record.validSeconds);
  if (nowMs < timeMs + 1000 * lifeSeconds) return null;
  return unverifiable(`the status is of ${record.time}, and is believed for ${lifeSeconds} seconds`);
}

function placeFault({ index, predicate }: Judged, record: StatusRecord): Denial | null {
  if (record.log !== predicate.attribution.log)
    return unverifiable(
      `the status is of the log ${record.log}, the artifact of ${predicate.attribution.log}`,
    );
  if (index >= record.size) return unverifiable('the status is older than the artifact');
  if (index < record.listedFrom)
    return unverifiable(
      `the status says nothing of entries before ${record.listedFrom}, because too many are revoked`,
    );
  return null;
}

function unverifiable(message: string): Denial {
  return denial('STATE_UNVERIFIABLE', message, 'Get a newer one (writ status statement), or ask the daemon.');
}

/** Whether all that the artifact descends from is known well enough to be found in the statement. */
function coversAncestry({ predicate, parent }: Judged, record: StatusRecord): boolean {
  const { depth } = predicate.lineage;
  if (depth === 0) return true;
  // Where an ancestor lies in the log is not known here, nor is it behind the beginning of the list.
  if (record.listedFrom > 0 || record.compromised.length > 0) return false;
  const knownIds = parent === null ? 2 : 3;
  const knownPredicates = parent === null ? 0 : 1;
  return depth <= knownIds && (record.rules.length === 0 || depth <= knownPredicates);
}
