/** The one answer that verification gives: valid, or denied with every code that applies; never a bare boolean. */

import type { ArtifactId } from '../format/artifact-id.js';
import type { Checkpoint } from '../format/checkpoint.js';
import type { Denials } from '../format/denial.js';
import type { LogRecord } from '../format/record.js';
import type { Statement } from '../format/statement.js';

/** A statement whose place in a trusted log was proven. */
export interface AuthenticStatement {
  readonly id: ArtifactId;
  readonly statement: Statement;
  /** Index of its entry, and the signed tree head that covers it. */
  readonly index: number;
  readonly checkpoint: Checkpoint;
}

/** A log record (a receipt, a revocation) whose place in a trusted log was proven. It permits nothing by itself. */
export interface AuthenticRecord {
  readonly id: ArtifactId;
  readonly record: LogRecord;
  readonly index: number;
  readonly checkpoint: Checkpoint;
}

/** What a verification could not know, so that nobody mistakes silence for proof. */
export interface Unproven {
  readonly what:
    | 'no-later-revocation'
    | 'revocation-since'
    | 'not-redeemed'
    | 'split-view'
    | 'loaded-libraries'
    | 'initiator-executable'
    | 'blob-digests'
    | 'claimed-identity'
    | 'lineage'
    | 'environment'
    | 'quote'
    | 'attestation-key'
    | 'reference-values'
    | 'tpm-clock'
    | 'presenter'
    | 'possession'
    | 'action'
    | 'completeness'
    | 'policy-authority'
    | 'policy'
    | 'approvers';
  readonly message: string;
}

export type Verdict =
  | {
      readonly verdict: 'valid';
      readonly artifact: AuthenticStatement;
      readonly unproven: readonly Unproven[];
    }
  | {
      readonly verdict: 'denied';
      readonly denials: Denials;
      /** What was proven all the same: authentic evidence of a denial is denied, yet authentic. */
      readonly artifact: AuthenticStatement | null;
      /** What was presented instead of an artifact, where that was proven. */
      readonly record: AuthenticRecord | null;
      readonly unproven: readonly Unproven[];
    };
