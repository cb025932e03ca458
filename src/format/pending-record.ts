/**
 * What the log keeps of a request that waits for approval: that it began to wait, with all that its approvers are shown, and
 * which artifact used its approvals up. With the approvals, which are records of their own, a restart has the request again.
 */

import { z } from 'zod';
import { type ArtifactId, artifactIdSchema } from './artifact-id.js';
import { sha3HexSchema } from './digest-set.js';
import type { PendingDetail, RequestedGrant } from './pending.js';
import { nonceSchema, requestedGrantSchema } from './predicate.js';
import { type RecordHead, recordHeadShape } from './record-head.js';
import type { JsonObject } from './strict-json.js';
import { type Instant, instantSchema } from './time.js';

interface PendingRecordHead extends RecordHead {
  readonly type: 'urn:writ:pending:v1';
  /** The id of the request, which its approvals name. */
  readonly pending: string;
}

/** A request waits for approval from its `time` on. Only those who may read what was asked for may read it. */
export interface OpenedRecord extends PendingRecordHead {
  readonly event: 'open';
  readonly expires: Instant;
  readonly method: PendingDetail['method'];
  readonly options: JsonObject;
  /** SHA3-512 (hex) of `{method, params}` as they were asked. */
  readonly request: string;
  readonly grant: RequestedGrant;
}

/**
 * The approvals are used up if `artifact` is in the log, which comes behind this entry and under the same seal; otherwise it was
 * never issued, and nothing was used. `uid` asked for it.
 */
export interface UsedRecord extends PendingRecordHead {
  readonly event: 'use';
  readonly artifact: ArtifactId;
  readonly uid: number;
}

export type PendingRecord = OpenedRecord | UsedRecord;

const head = { ...recordHeadShape, type: z.literal('urn:writ:pending:v1'), pending: nonceSchema };

export const pendingRecordSchema = z.discriminatedUnion('event', [
  z.strictObject({
    ...head,
    event: z.literal('open'),
    expires: instantSchema,
    method: z.enum(['authorize', 'sign']),
    options: z.record(z.string(), z.json()) as z.ZodType<JsonObject>,
    request: sha3HexSchema,
    grant: requestedGrantSchema,
  }),
  z.strictObject({
    ...head,
    event: z.literal('use'),
    artifact: artifactIdSchema,
    uid: z.int().min(0).max(0xffff_ffff),
  }),
]);

/** The uid whose request it is: its data stands in the record. */
export function askerOf(record: PendingRecord): number {
  switch (record.event) {
    case 'open':
      return record.grant.initiator.peer.uid;
    case 'use':
      return record.uid;
  }
}
