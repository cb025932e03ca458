/** One artifact in the tree that `lineage` answers, with what became of it. The daemon's word: for people to look at. */

import { z } from 'zod';
import { type ArtifactId, artifactIdSchema } from './artifact-id.js';
import { type EndRecord, endCauses, exitStatusSchema } from './lease.js';
import type { Lineage } from './predicate.js';
import { type RevocationCause, revocationCauses } from './revocation.js';

export interface LineageNode {
  readonly id: ArtifactId;
  readonly index: number;
  readonly parent: ArtifactId | null;
  readonly depth: number;
  readonly basis: Lineage['basis'];
  readonly subject: string;
  readonly notAfter: string;
  readonly state: 'issued' | 'redeemed' | 'running' | 'ended' | 'revoked' | 'expired';
  /** How its run ended, where it was one and has. */
  readonly end: Pick<EndRecord, 'cause' | 'status'> | null;
  /** What revoked it; null where nothing did. */
  readonly revocation: NodeRevocation | null;
}

/**
 * `through`: a record of its own, whatever revoked its parent, or a rule (in words). `cause` and `by`, the uid that asked, are
 * null where they stand elsewhere; `by` also where the daemon itself revoked.
 */
export interface NodeRevocation {
  readonly through: 'itself' | 'parent' | 'rule';
  readonly rule: string | null;
  readonly cause: RevocationCause | null;
  readonly by: number | null;
}

const count = z.int().nonnegative();

/** Open: fields that this version does not know are dropped. */
export const lineageNodeSchema: z.ZodType<LineageNode> = z.object({
  id: artifactIdSchema,
  index: count,
  parent: artifactIdSchema.nullable(),
  depth: count,
  basis: z.enum(['none', 'named', 'observed']),
  subject: z.string(),
  notAfter: z.string(),
  state: z.enum(['issued', 'redeemed', 'running', 'ended', 'revoked', 'expired']),
  end: z.object({ cause: z.enum(endCauses), status: exitStatusSchema.nullable() }).nullable(),
  revocation: z
    .object({
      through: z.enum(['itself', 'parent', 'rule']),
      rule: z.string().nullable(),
      cause: z.enum(revocationCauses).nullable(),
      by: count.nullable(),
    })
    .nullable(),
});
