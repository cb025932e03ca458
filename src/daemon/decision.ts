/** What the policy said, as the stages of a request see it. */

import type { ApprovalDemand } from '../format/approvers.js';
import { concatBytes } from '../format/bytes.js';
import type { Denial } from '../format/denial.js';
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

const newline = new Uint8Array([0x0a]);

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
  const [only, ...others] = recorded;
  // Most records keep one decision, whose document is there already.
  if (only !== undefined && others.length === 0) return { policy, inputs: only.input };
  const lines = recorded.flatMap(({ input }, at) => (at === 0 ? [input] : [newline, input]));
  return { policy, inputs: concatBytes(...lines) };
}
