/** What the policy said, as the stages of a request see it. */

import type { ApprovalDemand } from '../format/approvers.js';
import type { Denial } from '../format/denial.js';
import { joinInputs } from '../format/kept-inputs.js';
import type { PolicyRecord } from '../format/predicate.js';

/**
 * A policy decision with the record that goes into the statement, and the evaluated JCS document, which is kept beside
 * the decision so that it can be replayed. `record` is null where the facts could not even be put to the policy.
 */
export type Decision =
  | {
      readonly decision: 'allow';
      readonly record: PolicyRecord;
      readonly input: Uint8Array;
      /** What must be approved, by how many of whom, before anything is granted; see PolicyDecision. */
      readonly approvals: readonly ApprovalDemand[];
    }
  | {
      readonly decision: 'deny';
      readonly record: PolicyRecord | null;
      readonly input: Uint8Array;
      readonly denial: Denial<'POLICY_DENIED'>;
    };

/** Why something is denied, if it is, and what policies said on the way there, in the order of asking. */
export interface Judged<Ground extends Denial = Denial> {
  readonly denials: readonly Ground[];
  readonly decisions: readonly Decision[];
}

type Recorded = Decision & { readonly record: PolicyRecord };

/** What a denial says of the decisions that led to it: it names the first that denies, otherwise the first, and has no room for more. */
export function namedDecision(decisions: readonly Decision[]): {
  readonly named: Recorded | null;
  readonly others: readonly Decision[];
} {
  const recorded = decisions.filter((decision): decision is Recorded => decision.record !== null);
  const named = recorded.find(({ decision }) => decision === 'deny') ?? recorded[0] ?? null;
  return { named, others: recorded.filter((decision) => decision !== named) };
}

/**
 * Decisions as a record keeps them: what was said goes into it, and beside it go the documents that it was said about, one
 * a line.
 */
export function keptDecisions(decisions: readonly Decision[]): {
  readonly policy: readonly PolicyRecord[];
  readonly inputs: Uint8Array;
} {
  const recorded = decisions.flatMap(({ record, input }) => (record === null ? [] : [{ record, input }]));
  const policy = recorded.map(({ record }) => record);
  return { policy, inputs: joinInputs(recorded.map(({ input }) => input)) };
}
