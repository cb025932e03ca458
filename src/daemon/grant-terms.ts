/** The part of a grant that follows from who asks what, and from the policy's answer. */

import type { Binding, Governance, Initiator, PolicyRecord, Scope } from '../format/predicate.js';
import type { Subject } from '../format/statement.js';

/** A run lasts `runSeconds` at most, and as long as its lease is renewed within each `renewSeconds`. */
export interface LeaseTerms {
  readonly renewSeconds: number;
  readonly runSeconds: number;
}

/** What a grant says whenever the same caller asks the same and is allowed the same. */
export interface GrantTerms {
  readonly subject: Subject;
  readonly scope: Scope;
  readonly initiator: Initiator;
  readonly policy: PolicyRecord;
  readonly environment: readonly Binding[];
  readonly governance: Governance;
  readonly ttlSeconds: number;
  readonly lease: LeaseTerms | null;
}
