/** Requests that wait for approval, as the daemon shows them: whatever an approver signs can be worked out from this alone. */

import { z } from 'zod';
import type { Approval, GrantPredicate } from './predicate.js';
import { approvalSchema, ed25519KeySchema, nonceSchema, requestedGrantSchema } from './predicate.js';
import type { JsonObject } from './strict-json.js';
import { type Instant, instantSchema } from './time.js';

/** A demand of the policy: so many `approvals` of the `members` of a group. Those who gave theirs stand in `given`. */
export interface PendingDemand {
  readonly group: string;
  readonly approvals: number;
  readonly members: readonly string[];
  readonly given: readonly string[];
}

/** What whoever asked is told. `id` is the nonce that the approvals name; it is unguessable, and knowing it is enough to see the request. */
export interface PendingNotice {
  readonly id: string;
  readonly expires: Instant;
  readonly demands: readonly PendingDemand[];
}

/** A line of a list. `approved`: nothing is missing, and the initiator can ask again. */
export interface PendingSummary extends PendingNotice {
  readonly since: Instant;
  readonly state: 'waiting' | 'approved';
  readonly method: 'authorize' | 'sign';
  /** The uid that asked, and what for, shortened for display. */
  readonly uid: number;
  readonly subject: string;
}

/** The parts of the artifact that will come of it, as far as they are known before it is issued. */
export type RequestedGrant = Pick<
  GrantPredicate,
  'scope' | 'initiator' | 'environment' | 'policy' | 'lineage'
>;

/**
 * All of it. The request was `{method, params}`, where params are `options` and the action (or blob) of the scope without what
 * the daemon measured.
 */
export interface PendingDetail extends PendingSummary {
  readonly log: string;
  readonly options: JsonObject;
  readonly grant: RequestedGrant;
  readonly approvals: readonly Approval[];
  /** Base64 of the keys of those whose approval is demanded: by them a person finds the right one among several. */
  readonly keys: readonly string[];
}

const demandSchema: z.ZodType<PendingDemand> = z.strictObject({
  group: z.string(),
  approvals: z.int().positive(),
  members: z.array(z.string()).readonly(),
  given: z.array(z.string()).readonly(),
});

const noticeShape = { id: nonceSchema, expires: instantSchema, demands: z.array(demandSchema).readonly() };
const summaryShape = {
  ...noticeShape,
  since: instantSchema,
  state: z.enum(['waiting', 'approved']),
  method: z.enum(['authorize', 'sign']),
  uid: z.int().nonnegative(),
  subject: z.string(),
};

export const pendingNoticeSchema: z.ZodType<PendingNotice> = z.strictObject(noticeShape);
export const pendingSummarySchema: z.ZodType<PendingSummary> = z.strictObject(summaryShape);

/** Closed: nobody can approve what is not understood. */
export const pendingDetailSchema: z.ZodType<PendingDetail> = z.strictObject({
  ...summaryShape,
  log: z.string(),
  options: z.record(z.string(), z.json()) as z.ZodType<JsonObject>,
  grant: requestedGrantSchema,
  approvals: z.array(approvalSchema).readonly(),
  keys: z.array(ed25519KeySchema).readonly(),
});

/** `approve`: one person's signature over the approval document of a pending request (approval.ts). */
export interface ApproveParams {
  readonly pending: string;
  readonly key: string;
  readonly form: Approval['form'];
  readonly signature: string;
}

export const approveParamsSchema: z.ZodType<ApproveParams> = z.strictObject({
  pending: nonceSchema,
  key: ed25519KeySchema,
  form: z.enum(['ed25519', 'sshsig']),
  signature: z.string().regex(/^[A-Za-z0-9+/]{85}[AQgw]==$/, 'must be base64 of 64 bytes'),
});
