/** The records that tie the log to a TPM's counter: the announcement of its next value, and the decision to go on without. */

import { z } from 'zod';
import { type RecordHead, recordHeadShape, uidSchema } from './record-head.js';
import { tpmNameSchema } from './tpm-public.js';

export const anchorCauses = ['start', 'stop', 'policy', 'key', 'revocation', 'period', 'request'] as const;
export type AnchorCause = (typeof anchorCauses)[number];

/**
 * Announces that the TPM's counter goes to `value` next: once it has, no log without this entry is accepted at a start.
 * `key` and `counter` as in a CounterReading.
 */
export interface AnchorRecord extends RecordHead {
  readonly type: 'urn:writ:anchor:v1';
  readonly key: string;
  readonly counter: string;
  readonly value: number;
  readonly cause: AnchorCause;
}

/**
 * An NV counter and its value. `counter` is its Name (TPM 2.0 Library Part 1, section 16) in hex, which is the same in every
 * TPM; `key`, the Name of the attestation key beside it, tells which TPM it is.
 */
export interface CounterReading {
  readonly key: string;
  readonly counter: string;
  readonly value: number;
}

/**
 * Somebody (`by`, a uid) decided to go on with a log that its TPM disowned. What was granted before and not redeemed is void.
 * `announced`: the newest anchor of the log; `found`: what the TPM's counter shows, null where there is no TPM any more.
 */
export interface RecoveryRecord extends RecordHead {
  readonly type: 'urn:writ:recovery:v1';
  readonly announced: CounterReading;
  readonly found: CounterReading | null;
  readonly by: number;
  readonly reason: string;
}

export const counterReadingSchema: z.ZodType<CounterReading> = z.strictObject({
  key: tpmNameSchema,
  counter: tpmNameSchema,
  value: z.int().nonnegative(),
});

export const anchorRecordSchema = z.strictObject({
  ...recordHeadShape,
  type: z.literal('urn:writ:anchor:v1'),
  key: tpmNameSchema,
  counter: tpmNameSchema,
  value: z.int().positive(),
  cause: z.enum(anchorCauses),
});

export const recoveryRecordSchema = z.strictObject({
  ...recordHeadShape,
  type: z.literal('urn:writ:recovery:v1'),
  announced: counterReadingSchema,
  found: counterReadingSchema.nullable(),
  by: uidSchema,
  reason: z.string().min(1).max(1024),
});
