/**
 * What policies said of a request that was denied, beyond the one decision that its denial has room for: a denied redemption may
 * have been several questions. With it, every decision that led to a denial can be replayed.
 */

import { z } from 'zod';
import { type ArtifactId, artifactIdSchema } from './artifact-id.js';
import { type PolicyRecord, policyRecordSchema } from './predicate.js';
import { logIndexSchema, type RecordHead, recordHeadShape } from './record-head.js';

/** `denial` and `denialIndex`: the denial that these decisions, in the order of asking, and the one in itself led to. */
export interface DecisionRecord extends RecordHead {
  readonly type: 'urn:writ:decision:v1';
  readonly denial: ArtifactId;
  readonly denialIndex: number;
  readonly policy: readonly PolicyRecord[];
}

export const decisionRecordSchema = z.strictObject({
  ...recordHeadShape,
  type: z.literal('urn:writ:decision:v1'),
  denial: artifactIdSchema,
  denialIndex: logIndexSchema,
  policy: z.array(policyRecordSchema).min(1).max(64).readonly(),
}) satisfies z.ZodType<DecisionRecord>;
