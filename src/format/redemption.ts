/** The record of a redemption: the receipt that turns an artifact into permission, once. */

import { z } from 'zod';
import { type ArtifactId, artifactIdSchema } from './artifact-id.js';
import { sha3HexSchema } from './digest-set.js';
import type { PolicyRecord } from './predicate.js';
import { policyRecordsSchema, type RecordHead, recordHeadShape, uidSchema } from './record-head.js';

/** `redeemerNonceDigest` is that of the redeemer's own. */
export interface RedemptionRecord extends RecordHead {
  readonly type: 'urn:writ:redemption:v1';
  readonly artifact: ArtifactId;
  /** Log index of the artifact's own entry. */
  readonly artifactIndex: number;
  /** SHA3-512 (hex) of the 16 bytes: only who made the nonce can ask for this receipt again. */
  readonly redeemerNonceDigest: string;
  readonly redeemer: { readonly uid: number; readonly gid: number };
  /** What the policy said: of the redemption, of each changed binding that it overlooked, and of what an older bundle had allowed. */
  readonly policy?: readonly PolicyRecord[];
}

export const redemptionRecordSchema = z.strictObject({
  ...recordHeadShape,
  type: z.literal('urn:writ:redemption:v1'),
  artifact: artifactIdSchema,
  artifactIndex: z.int().nonnegative(),
  redeemerNonceDigest: sha3HexSchema,
  redeemer: z.strictObject({ uid: uidSchema, gid: uidSchema }),
  policy: policyRecordsSchema,
});
