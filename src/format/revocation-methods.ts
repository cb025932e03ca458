/** Methods of the socket by which revocations spread: following them as they come, and a standing word on all of them. */

import { z } from 'zod';
import { type ArtifactId, artifactIdSchema } from './artifact-id.js';

/** `since`: log index from which on revocations are wanted; the log's present size unless given. */
export interface SubscribeParams {
  readonly since?: number | undefined;
}

/** `size`: of the log when this was answered. */
export interface SubscribeResult {
  readonly decision: 'allow';
  readonly since: number;
  readonly size: number;
}

/**
 * An entry that revokes something is durable: a revocation, or that a key was compromised. `payload` (base64) is its record;
 * the id is its digest. They come by rising index, and none is left out.
 */
export interface RevocationEvent {
  readonly index: number;
  readonly id: ArtifactId;
  readonly payload: string;
}

/** Every revocation before log index `size` was sent; from now on each comes as it happens. */
export interface RevocationsCurrent {
  readonly size: number;
}

const count = z.int().nonnegative();

export const subscribeParamsSchema = z.strictObject({ since: count.optional() });

/** Open: fields that this version does not know are dropped. */
export const subscribeResultSchema = z.object({ decision: z.literal('allow'), since: count, size: count });
export const revocationEventSchema = z.object({ index: count, id: artifactIdSchema, payload: z.string() });
export const revocationsCurrentSchema = z.object({ size: count });
