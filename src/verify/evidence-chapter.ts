/** One decision of an evidence pack with all that the pack proves to have been logged about it: what a story tells of it. */

import type { ArtifactId } from '../format/artifact-id.js';
import type { EndRecord, LeaseRecord } from '../format/lease.js';
import type { PolicyActivationRecord } from '../format/policy-record.js';
import type { PolicyRecord } from '../format/predicate.js';
import type { QuoteRecord } from '../format/quote.js';
import type { LogRecord } from '../format/record.js';
import type { RedemptionRecord } from '../format/redemption.js';
import { type RevocationRecord, type RevocationTarget, ruleEnds } from '../format/revocation.js';
import type { AuthenticStatement } from './verdict.js';

/** A record with its place in the log. */
export interface Placed<Kind extends LogRecord = LogRecord> {
  readonly id: ArtifactId;
  readonly index: number;
  readonly record: Kind;
}

/** One thing that a policy said, and what the pack holds of it. */
export interface PackedDecision {
  /** The entry that says it. */
  readonly id: ArtifactId;
  readonly index: number;
  readonly said: PolicyRecord;
  /** How its bundle last came into force before. */
  readonly activation: Placed<PolicyActivationRecord> | null;
  /** The document that it was made on, which fits its digest. */
  readonly input: Uint8Array | null;
}

/** A decision, and all that the pack proves to have been logged about it; each list is by rising index. */
export interface Chapter {
  readonly decision: AuthenticStatement;
  readonly redemption: Placed<RedemptionRecord> | null;
  readonly leases: readonly Placed<LeaseRecord>[];
  readonly end: Placed<EndRecord> | null;
  /** Of the artifact itself or of its receipt. */
  readonly revocations: readonly Placed<RevocationRecord>[];
  readonly quote: Placed<QuoteRecord> | null;
  /** What policies said: of the artifact, of its redemption, and of whatever else of this names its decisions. */
  readonly policy: readonly PackedDecision[];
}

/**
 * Gathers what belongs to a decision.
 * @param records by rising index
 * @param inputOf finds a document of the pack by its SHA3-512
 */
export function chapterOf(
  decision: AuthenticStatement,
  records: readonly Placed[],
  inputOf: (digest: string) => Uint8Array | null,
): Chapter {
  const { environment, policy } = decision.statement.predicate;
  const cited = environment.flatMap((binding) => (binding.source === 'tpm' ? [binding.quote] : []));
  const redemption =
    records.find(isOf('urn:writ:redemption:v1', ({ record }) => record.artifact === decision.id)) ?? null;
  const leases = records.filter(isOf('urn:writ:lease:v1', ({ record }) => record.artifact === decision.id));
  const end = records.find(isOf('urn:writ:end:v1', ({ record }) => record.artifact === decision.id)) ?? null;
  const revocations = records.filter(
    isOf('urn:writ:revocation:v1', ({ record }) =>
      endsThread(record.target, decision, redemption?.id ?? null),
    ),
  );
  const { id, index } = decision;
  const further = records.filter(isOf('urn:writ:decision:v1', ({ record }) => record.denial === id));
  const later = [...further, redemption, ...leases, end, ...revocations].filter((placed) => placed !== null);
  const said = [
    ...(policy === null ? [] : [{ id, index, said: policy }]),
    ...later.flatMap((placed) => decisionsOf(placed)),
  ];
  return {
    decision,
    redemption,
    leases,
    end,
    revocations,
    quote: records.find(isOf('urn:writ:quote:v1', ({ id: quote }) => cited.includes(quote))) ?? null,
    policy: said.map((each) => ({
      ...each,
      activation: activationOf(each.said.bundle, each.index, records),
      input: inputOf(each.said.input),
    })),
  };
}

/** The ids of all entries that a chapter tells of. */
export function entriesOf({ decision, redemption, leases, end, revocations, quote, policy }: Chapter) {
  const behind = policy.flatMap((each) => [each, each.activation]);
  return [decision, redemption, ...leases, end, ...revocations, quote, ...behind].flatMap(
    (entry) => entry?.id ?? [],
  );
}

/** What the policy said of the artifact itself; null for a denial before it was asked. */
export function ownDecision({ decision, policy }: Chapter): PackedDecision | null {
  return policy.find(({ id }) => id === decision.id) ?? null;
}

function decisionsOf({ id, index, record }: Placed): Pick<PackedDecision, 'id' | 'index' | 'said'>[] {
  const decisions = 'policy' in record ? (record.policy ?? []) : [];
  return decisions.map((said) => ({ id, index, said }));
}

function activationOf(
  bundle: string,
  before: number,
  records: readonly Placed[],
): Placed<PolicyActivationRecord> | null {
  const activation = records.findLast(
    isOf('urn:writ:policy:v1', ({ record, index }) => index < before && record.bundle === bundle),
  );
  return activation ?? null;
}

type OfType<Type extends LogRecord['type']> = Placed<Extract<LogRecord, { readonly type: Type }>>;

function isOf<Type extends LogRecord['type']>(
  type: Type,
  fits: (placed: OfType<Type>) => boolean,
): (placed: Placed) => placed is OfType<Type> {
  const isOfType = (placed: Placed): placed is OfType<Type> => placed.record.type === type;
  return (placed): placed is OfType<Type> => isOfType(placed) && fits(placed);
}

/** Whether a revocation ends this decision by itself, by its receipt, or by a rule. */
function endsThread(
  target: RevocationTarget,
  { id, statement }: AuthenticStatement,
  receipt: ArtifactId | null,
): boolean {
  if (target.kind === 'artifact') return target.id === id || target.id === receipt;
  return statement.predicateType !== 'urn:writ:denial:v1' && ruleEnds(target, statement.predicate);
}
