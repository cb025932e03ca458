/** Parameters of the methods that put a policy bundle in force. */

import { z } from 'zod';
import { sha3HexSchema } from './digest-set.js';
import { maxPolicyDocumentBytes } from './policy-document.js';

/**
 * A part of a policy document on its way to the daemon; a whole one does not fit a line. `document` is SHA3-512 in hex of
 * all of it, `data` base64 of at most `maxStagedPartBytes`. Parts come in their order.
 */
export interface StageParams {
  readonly document: string;
  readonly sizeBytes: number;
  readonly offset: number;
  readonly data: string;
}

/** The largest part of a policy document in one request. */
export const maxStagedPartBytes = 45_000;

/** `document`: SHA3-512 in hex of a policy document, all of which this user staged. */
export interface ActivateParams {
  readonly document: string;
}

export const policyParams = {
  'policy.stage': z.strictObject({
    document: sha3HexSchema,
    sizeBytes: z.int().positive().max(maxPolicyDocumentBytes),
    offset: z.int().nonnegative(),
    data: z.string().max(4 * Math.ceil(maxStagedPartBytes / 3)),
  }),
  'policy.activate': z.strictObject({ document: sha3HexSchema }),
} satisfies {
  readonly 'policy.stage': z.ZodType<StageParams>;
  readonly 'policy.activate': z.ZodType<ActivateParams>;
};
