/** The record of what becomes of a key of the log. */

import { z } from 'zod';
import { type RecordHead, recordHeadShape } from './record-head.js';

interface KeyRecordHead extends RecordHead {
  readonly type: 'urn:writ:key:v1';
  readonly role: 'log' | 'artifact';
  /** Base64 of 32 bytes. */
  readonly publicKey: string;
}

/**
 * What becomes of a key. `use`: this log uses it from here on; a log key is announced under the signature of the one before
 * it. `retire`: it signs no more. `compromise`: somebody else could use it since `fromIndex`; every grant from there up to,
 * and without, `toIndex`, where its successor took over, is revoked. Order is the log index, never time.
 */
export type KeyRecord =
  | (KeyRecordHead & { readonly event: 'use' | 'retire' })
  | (KeyRecordHead & {
      readonly event: 'compromise';
      readonly fromIndex: number;
      readonly toIndex: number;
    });

const keyHead = {
  ...recordHeadShape,
  type: z.literal('urn:writ:key:v1'),
  role: z.enum(['log', 'artifact']),
  publicKey: z.string().regex(/^[A-Za-z0-9+/]{43}=$/),
};

export const keyRecordSchema = z.discriminatedUnion('event', [
  z.strictObject({ ...keyHead, event: z.enum(['use', 'retire']) }),
  z
    .strictObject({
      ...keyHead,
      event: z.literal('compromise'),
      fromIndex: z.int().nonnegative(),
      toIndex: z.int().nonnegative(),
    })
    .refine(({ fromIndex, toIndex }) => fromIndex <= toIndex, 'the range must not be reversed'),
]);
