/** What every log record begins with, and the schemas of what several kinds of records name. */

import { z } from 'zod';
import { nonceSchema, policyRecordSchema } from './predicate.js';
import { type Instant, instantSchema } from './time.js';

/** What every record carries: when, in which log, and 16 random bytes (base64) that make its digest unguessable. */
export interface RecordHead {
  readonly time: Instant;
  readonly log: string;
  readonly nonce: string;
}

export const recordHeadShape = {
  time: instantSchema,
  log: z.string().min(1).max(256),
  nonce: nonceSchema,
};

/** A position in the log. */
export const logIndexSchema = z.int().nonnegative();

export const uidSchema = z.int().min(0).max(0xffff_ffff);

/** What the policy said, of one matter or several. */
export const policyRecordsSchema = z.array(policyRecordSchema).max(64).readonly().exactOptional();

/** Base64 with padding, of some bytes. */
export function boundedBase64(maxLength: number) {
  return z
    .string()
    .min(4)
    .max(maxLength)
    .regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, 'must be base64');
}
