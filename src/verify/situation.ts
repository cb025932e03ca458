/** What a verifier knows when it judges an artifact: the time, who presents it, and whatever else it could find out. */

import type { Action } from '../format/action.js';
import type { DigestSet } from '../format/digest-set.js';
import type { PolicyDocument } from '../format/policy-document.js';
import type { Binding, ExecutableFact } from '../format/predicate.js';
import type { ApprovalRule } from './approvals.js';
import type { ParentArtifact } from './lineage.js';
import type { PresentedPossession } from './possession.js';
import type { ProvenQuote } from './quote.js';
import type { PresentedStatus } from './standing.js';

/** Whoever presents an artifact, as the verifier's kernel shows it. */
export interface Presenter {
  readonly pid: number;
  readonly startTime: number;
  readonly uid: number;
  readonly gid: number;
  readonly executable: ExecutableFact;
}

/** What the issuing log knows of one artifact, as of now. */
export interface LogState {
  readonly revoked: boolean;
  readonly redeemed: boolean;
  /** Not redeemed as far as is known, but granted before a restart across which a redemption could have been lost. */
  readonly void: boolean;
}

/**
 * All that a verifier knows. Null means "not known here": nothing is compared, and the verdict lists it as unproven.
 * `parent` is the authorization named by the artifact's lineage, and `quote` the TPM quote that its environment cites, both
 * already proven by the caller.
 */
export interface Situation {
  readonly nowMs: number;
  readonly audience: string | null;
  /** The policy bundles (SHA3-512 hex) under which decisions count. */
  readonly policyBundles: readonly string[] | null;
  /** The proof that the bundle was signed under which the artifact was decided; compared with the trust bundle's authorities. */
  readonly policyProof: Pick<PolicyDocument, 'statement' | 'chain'> | null;
  /** What is about to be done; for `execute`, `digests` are those measured just now. */
  readonly action: Action | null;
  /** Digests of the file that the artifact is to be checked against. */
  readonly file: DigestSet | null;
  readonly presenter: Presenter | null;
  /** What shall prove that whoever presents the artifact holds the key that it is bound to. */
  readonly possession: PresentedPossession | null;
  readonly environment: readonly Binding[] | null;
  readonly parent: ParentArtifact | null;
  readonly quote: ProvenQuote | null;
  readonly state: LogState | null;
  /** A standing status of the log, for who does not know its state. */
  readonly standing: PresentedStatus | null;
  /** What the artifact's own policy bundle says of approvals. */
  readonly approvalRule: ApprovalRule | null;
}

/** A verifier that knows nothing but the time. */
export function offlineSituation(nowMs: number): Situation {
  return {
    nowMs,
    audience: null,
    policyBundles: null,
    policyProof: null,
    action: null,
    file: null,
    presenter: null,
    possession: null,
    environment: null,
    parent: null,
    quote: null,
    state: null,
    standing: null,
    approvalRule: null,
  };
}
