/** What the methods of a lease take. Each answers the sealed record that it logs (lease.ts). */

import { z } from 'zod';
import { type ArtifactId, artifactIdSchema } from './artifact-id.js';
import { type EvidenceCode, evidenceCodes } from './denial.js';
import {
  type DescendEnforcement,
  descendEnforcementSchema,
  type ExitStatus,
  exitStatusSchema,
  pidSchema,
} from './lease.js';
import { nonceSchema } from './predicate.js';

/**
 * Opens a run on a redemption made over this very connection. `nonce` is the one that it was redeemed with. `child` is the
 * process that will become the program, by its pid as the caller sees it: a child of the caller, held back in its confinement.
 */
export interface LeaseOpenParams {
  readonly redemption: ArtifactId;
  readonly nonce: string;
  readonly child: number;
  readonly descend: DescendEnforcement;
}

/**
 * Gives a redemption made over this very connection back unused, because of what the caller found itself: another file than the one
 * that was redeemed, no confinement, or a program that the kernel does not execute. The answer is the denial, in the log; no lease is
 * opened on the redemption any more, and a run that was opened on it ends.
 */
export interface LeaseDeclineParams {
  readonly redemption: ArtifactId;
  readonly nonce: string;
  readonly code: EvidenceCode;
  /** The caller's words, and what to do: 1 to 400 printable characters of ASCII each. */
  readonly message: string;
  readonly remedy: string;
}

/** `lease`: id of the record that opened the run. */
export interface LeaseRenewParams {
  readonly lease: ArtifactId;
}

/** `status`: how the program ended. What is left of the run is killed before the answer. */
export interface LeaseCloseParams {
  readonly lease: ArtifactId;
  readonly status: ExitStatus;
}

export const leaseOpenParamsSchema: z.ZodType<LeaseOpenParams> = z.strictObject({
  redemption: artifactIdSchema,
  nonce: nonceSchema,
  child: pidSchema,
  descend: descendEnforcementSchema,
});

const plainWordsSchema = z
  .string()
  .regex(/^[\x20-\x7e]{1,400}$/, 'must be 1 to 400 printable characters of ASCII');

export const leaseDeclineParamsSchema: z.ZodType<LeaseDeclineParams> = z.strictObject({
  redemption: artifactIdSchema,
  nonce: nonceSchema,
  code: z.enum(evidenceCodes),
  message: plainWordsSchema,
  remedy: plainWordsSchema,
});

export const leaseRenewParamsSchema: z.ZodType<LeaseRenewParams> = z.strictObject({
  lease: artifactIdSchema,
});

export const leaseCloseParamsSchema: z.ZodType<LeaseCloseParams> = z.strictObject({
  lease: artifactIdSchema,
  status: exitStatusSchema,
});
