/** What every log record begins with, and the schemas of what several kinds of records name. */

import { z } from 'zod';
import { nonceSchema } from './predicate.js';
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
