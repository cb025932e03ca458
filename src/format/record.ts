/**
 * Typed records: the payloads of log entries that carry state. They hold ids only and are never erased, but for those of requests
 * that wait for approval: they hold what was asked, and mean nothing any more once that expired.
 */

import { z } from 'zod';
import {
  type AnchorRecord,
  anchorRecordSchema,
  type RecoveryRecord,
  recoveryRecordSchema,
} from './anchor.js';
import { type ApprovalRecord, approvalRecordSchema } from './approval.js';
import {
  type SnapshotRecord,
  type StartRecord,
  type StopRecord,
  snapshotRecordSchema,
  startRecordSchema,
  stopRecordSchema,
} from './daemon-record.js';
import { type DecisionRecord, decisionRecordSchema } from './decision-record.js';
import { jcsText } from './jcs.js';
import { type KeyRecord, keyRecordSchema } from './key-record.js';
import { type EndRecord, endRecordSchema, type LeaseRecord, leaseRecordSchema } from './lease.js';
import { type PendingRecord, pendingRecordSchema } from './pending-record.js';
import {
  type AuthorityRecord,
  authorityRecordSchema,
  type PolicyActivationRecord,
  policyActivationRecordSchema,
} from './policy-record.js';
import { type QuoteRecord, quoteRecordSchema } from './quote.js';
import { type RedemptionRecord, redemptionRecordSchema } from './redemption.js';
import { type RevocationRecord, revocationRecordSchema } from './revocation.js';
import { type StatusRecord, statusRecordSchema } from './standing-status.js';
import { firstIssue } from './statement.js';
import { parseJsonBytes } from './strict-json.js';
import { utf8Encode } from './utf8.js';

export const recordPayloadType = 'application/vnd.writ.record+json';

export type LogRecord =
  | DecisionRecord
  | RedemptionRecord
  | RevocationRecord
  | LeaseRecord
  | EndRecord
  | PendingRecord
  | ApprovalRecord
  | PolicyActivationRecord
  | AuthorityRecord
  | KeyRecord
  | StartRecord
  | StopRecord
  | SnapshotRecord
  | QuoteRecord
  | AnchorRecord
  | RecoveryRecord
  | StatusRecord;

/**
 * The log entry kinds whose payload is a record: the third part of its type, but that authorities are of the kind `policy`, and
 * requests that wait of the kind `approval`.
 */
export type RecordKind =
  | 'decision'
  | 'redemption'
  | 'revocation'
  | 'lease'
  | 'end'
  | 'approval'
  | 'policy'
  | 'key'
  | 'start'
  | 'stop'
  | 'snapshot'
  | 'quote'
  | 'anchor'
  | 'recovery'
  | 'status';

const recordSchema: z.ZodType<LogRecord> = z.discriminatedUnion('type', [
  decisionRecordSchema,
  redemptionRecordSchema,
  revocationRecordSchema,
  leaseRecordSchema,
  endRecordSchema,
  statusRecordSchema,
  pendingRecordSchema,
  approvalRecordSchema,
  policyActivationRecordSchema,
  authorityRecordSchema,
  keyRecordSchema,
  startRecordSchema,
  stopRecordSchema,
  snapshotRecordSchema,
  quoteRecordSchema,
  anchorRecordSchema,
  recoveryRecordSchema,
]);

/** The payload of a record, as canonical JSON. */
export function recordText(record: LogRecord): string {
  return jcsText(record);
}

/** The payload bytes of a record. */
export function encodeRecord(record: LogRecord): Uint8Array {
  return utf8Encode(recordText(record));
}

/** Reads payload bytes. Throws JsonFaultError or SyntaxError, naming the first field that does not belong. */
export function decodeRecord(payload: Uint8Array): LogRecord {
  return checkedRecord(parseJsonBytes(payload));
}

/** A parsed JSON value as a record. Throws SyntaxError, naming the first field that does not belong. */
export function checkedRecord(value: unknown): LogRecord {
  const parsed = recordSchema.safeParse(value);
  if (!parsed.success) throw new SyntaxError(`not a record of ours: ${firstIssue(parsed.error)}`);
  return parsed.data;
}

/** The kind under which a record is logged. */
export function recordKind({ type }: LogRecord): RecordKind {
  switch (type) {
    case 'urn:writ:decision:v1':
      return 'decision';
    case 'urn:writ:redemption:v1':
      return 'redemption';
    case 'urn:writ:revocation:v1':
      return 'revocation';
    case 'urn:writ:lease:v1':
      return 'lease';
    case 'urn:writ:end:v1':
      return 'end';
    case 'urn:writ:pending:v1':
    case 'urn:writ:approval:v1':
      return 'approval';
    case 'urn:writ:policy:v1':
    case 'urn:writ:authority:v1':
      return 'policy';
    case 'urn:writ:key:v1':
      return 'key';
    case 'urn:writ:start:v1':
      return 'start';
    case 'urn:writ:stop:v1':
      return 'stop';
    case 'urn:writ:snapshot:v1':
      return 'snapshot';
    case 'urn:writ:quote:v1':
      return 'quote';
    case 'urn:writ:anchor:v1':
      return 'anchor';
    case 'urn:writ:recovery:v1':
      return 'recovery';
    case 'urn:writ:status:v1':
      return 'status';
  }
}
