/** The records of the daemon itself: where its runs begin and end, and what a restart may load instead of reading the log. */

import { z } from 'zod';
import { sha3HexSchema } from './digest-set.js';
import { type RecordHead, recordHeadShape } from './record-head.js';

/**
 * A daemon run begins. Where the `clock` was trusted, `bootTimeMs` is CLOCK_BOOTTIME at `time`. `continuity` says whether the
 * TPM proved that nothing of the log was taken back since the last run; where it did not, what was granted before and not
 * redeemed is void.
 */
export interface StartRecord extends RecordHead {
  readonly type: 'urn:writ:start:v1';
  readonly daemon: string;
  readonly version: string;
  readonly boot: string;
  readonly bootTimeMs: number;
  readonly clock: 'trusted' | 'untrusted';
  readonly continuity: 'proven' | 'unproven';
}

/** A daemon run ended cleanly. */
export interface StopRecord extends RecordHead {
  readonly type: 'urn:writ:stop:v1';
  readonly daemon: string;
}

/**
 * What the first `size` entries say, kept in files whose manifest has these digests (128 hexadecimal digits each): a
 * restart that finds them loads it instead of reading those entries again.
 */
export interface SnapshotRecord extends RecordHead {
  readonly type: 'urn:writ:snapshot:v1';
  readonly size: number;
  readonly manifest: { readonly sha3_512: string; readonly blake2b: string };
}

export const startRecordSchema = z.strictObject({
  ...recordHeadShape,
  type: z.literal('urn:writ:start:v1'),
  daemon: z.string().min(1).max(256),
  version: z.string().min(1).max(64),
  boot: z.string().min(1).max(256),
  bootTimeMs: z.int().nonnegative(),
  clock: z.enum(['trusted', 'untrusted']),
  continuity: z.enum(['proven', 'unproven']),
});

export const stopRecordSchema = z.strictObject({
  ...recordHeadShape,
  type: z.literal('urn:writ:stop:v1'),
  daemon: z.string().min(1).max(256),
});

export const snapshotRecordSchema = z.strictObject({
  ...recordHeadShape,
  type: z.literal('urn:writ:snapshot:v1'),
  size: z.int().positive(),
  manifest: z.strictObject({ sha3_512: sha3HexSchema, blake2b: sha3HexSchema }),
});
