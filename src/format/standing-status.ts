/**
 * The standing status of a log: a short-lived, sealed word on what is revoked, for verifiers that do not ask the daemon. It
 * names what may still be valid and is revoked, so that silence about an artifact says something. Redemptions are not in it:
 * there are as many as authorizations, and permission is the receipt.
 */

import { z } from 'zod';
import type { ArtifactId } from './artifact-id.js';
import { type RecordHead, recordHeadShape } from './record-head.js';
import { type RevocationRule, revocationRuleSchema } from './revocation.js';

/** So many hexadecimal digits of an id tell it from every other one that anybody could make. */
export const markDigits = 32;

/**
 * At `time`, of the entries before log index `size`: `revoked` are the marks of all that were revoked one by one, lie at
 * `listedFrom` or behind it, and had not expired, sorted; `rules` and `compromised` (log indexes from, without to) are complete.
 * To be believed for `validSeconds`.
 */
export interface StatusRecord extends RecordHead {
  readonly type: 'urn:writ:status:v1';
  readonly size: number;
  readonly listedFrom: number;
  readonly revoked: readonly string[];
  readonly rules: readonly RevocationRule[];
  readonly compromised: readonly { readonly from: number; readonly to: number }[];
  readonly validSeconds: number;
}

const count = z.int().nonnegative();

export const statusRecordSchema = z.strictObject({
  ...recordHeadShape,
  type: z.literal('urn:writ:status:v1'),
  size: count,
  listedFrom: count,
  revoked: z.array(z.string().regex(/^[0-9a-f]{32}$/)).readonly(),
  rules: z.array(revocationRuleSchema).readonly(),
  compromised: z.array(z.strictObject({ from: count, to: count })).readonly(),
  validSeconds: z.int().positive(),
});

/** What stands for an artifact in the list: the beginning of its id's digest. */
export function markOf(id: ArtifactId): string {
  const start = 'sha3-512:'.length;
  return id.slice(start, start + markDigits);
}
