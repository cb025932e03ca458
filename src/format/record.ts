/** Typed records: the payloads of log entries that carry state. They hold ids only and are never erased. */

import { z } from 'zod';
import { type ApprovalDocument, approvalDocumentSchema } from './approval.js';
import { type ArtifactId, artifactIdSchema } from './artifact-id.js';
import { sha3HexSchema } from './digest-set.js';
import { jcsText } from './jcs.js';
import { type EndRecord, endRecordSchema, type LeaseRecord, leaseRecordSchema } from './lease.js';
import { keyTextSchema, policyPayloadType } from './policy-statement.js';
import { type Approval, approvalSchema, type PolicyRecord, policyRecordSchema } from './predicate.js';
import { recordHeadShape as head, type RecordHead } from './record-head.js';
import { type RevocationTarget, revocationTargetSchema } from './revocation.js';
import { type StatusRecord, statusRecordSchema } from './standing-status.js';
import { firstIssue } from './statement.js';
import { parseJsonBytes } from './strict-json.js';
import { utf8Encode } from './utf8.js';

export const recordPayloadType = 'application/vnd.writ.record+json';

/** The receipt that turns an artifact into permission, once. `redeemerNonceDigest` is that of the redeemer's own. */
export interface RedemptionRecord extends RecordHead {
  readonly type: 'urn:writ:redemption:v1';
  readonly artifact: ArtifactId;
  /** Log index of the artifact's own entry. */
  readonly artifactIndex: number;
  /** SHA3-512 (hex) of the 16 bytes: only who made the nonce can ask for this receipt again. */
  readonly redeemerNonceDigest: string;
  readonly redeemer: { readonly uid: number; readonly gid: number };
  /** What the policy said: of the redemption, then of each changed binding that it overlooked. */
  readonly policy?: readonly PolicyRecord[];
}

export const revocationCauses = ['withdrawn', 'superseded', 'compromised', 'unsealed'] as const;
/** `unsealed`: the grant's seal missed its deadline, so nobody ever held a proof of it. */
export type RevocationCause = (typeof revocationCauses)[number];

/** Ends what the target names. `by` is the uid that asked, or null where the daemon itself revoked. */
export interface RevocationRecord extends RecordHead {
  readonly type: 'urn:writ:revocation:v1';
  readonly target: RevocationTarget;
  readonly cause: RevocationCause;
  readonly by: number | null;
  /** What the policy said; nothing where the daemon itself revoked. */
  readonly policy?: readonly PolicyRecord[];
}

/**
 * Somebody approved a request that waits. `signed` is the document that the signature is over; with both, the record proves
 * itself under the approver's key.
 */
export interface ApprovalRecord extends RecordHead {
  readonly type: 'urn:writ:approval:v1';
  readonly signed: ApprovalDocument;
  readonly approval: Approval;
}

/**
 * The policy bundle in force from this entry on. `authority` is the key (base64) that signed it, and `statement` the digest
 * (SHA3-512 in hex) of the proof of that; both are null for a bundle that nobody signed. `by` is the uid that had it
 * activated, null at a start.
 */
export interface PolicyActivationRecord extends RecordHead {
  readonly type: 'urn:writ:policy:v1';
  readonly bundle: string;
  readonly version: number;
  readonly engine: string;
  readonly authority: string | null;
  readonly statement: string | null;
  readonly by: number | null;
  /** What the bundle before it said of whoever had it activated; nothing at a start. */
  readonly policy?: readonly PolicyRecord[];
}

/** What a policy authority said of keys: from this entry on it counts for whatever is signed. A DSSE envelope, whole. */
export interface AuthorityRecord extends RecordHead {
  readonly type: 'urn:writ:authority:v1';
  readonly statement: {
    readonly payload: string;
    readonly payloadType: string;
    readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
  };
}

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

/**
 * The TPM vouches for the state of this machine at a moment between `checkpoint` and this entry. `attest` (TPMS_ATTEST) and
 * `signature` (TPMT_SIGNATURE) are base64 of what the TPM marshalled.
 */
export interface QuoteRecord extends RecordHead {
  readonly type: 'urn:writ:quote:v1';
  /** The newest checkpoint before the quote, as its signed note; the quote's qualifying data binds the note's text. */
  readonly checkpoint: string;
  /** Name of the attestation key (TPM 2.0 Library Part 1, section 16): `000b` and SHA-256, hex. */
  readonly key: string;
  readonly attest: string;
  readonly signature: string;
  /** What the quoted PCRs of the SHA-256 bank held, by rising index. */
  readonly pcrs: readonly PcrValue[];
}

/** One platform configuration register of the SHA-256 bank; `value` in hex. */
export interface PcrValue {
  readonly index: number;
  readonly value: string;
}

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
 * An NV counter and its value. `counter` is its Name (Part 1, section 16) in hex, which is the same in every TPM; `key`, the
 * Name of the attestation key beside it, tells which TPM it is.
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

export type LogRecord =
  | RedemptionRecord
  | RevocationRecord
  | LeaseRecord
  | EndRecord
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

/** The log entry kinds whose payload is a record: the third part of its type, but that authorities are of the kind `policy`. */
export type RecordKind =
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

const uidSchema = z.int().min(0).max(0xffff_ffff);
/** An object's Name under SHA-256: the algorithm's number and 32 bytes. */
export const tpmNameSchema = z
  .string()
  .regex(/^000b[0-9a-f]{64}$/, 'must be a TPM name under SHA-256 in hex');

export const counterReadingSchema: z.ZodType<CounterReading> = z.strictObject({
  key: tpmNameSchema,
  counter: tpmNameSchema,
  value: z.int().nonnegative(),
});

function boundedBase64(maxLength: number) {
  return z
    .string()
    .min(4)
    .max(maxLength)
    .regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, 'must be base64');
}

const policySchema = z.array(policyRecordSchema).max(64).readonly().exactOptional();

const pcrValuesSchema: z.ZodType<readonly PcrValue[]> = z
  .array(z.strictObject({ index: z.int().min(0).max(23), value: z.string().regex(/^[0-9a-f]{64}$/) }))
  .min(1)
  .max(24)
  .refine(
    (pcrs) => pcrs.every(({ index }, at) => at === 0 || index > (pcrs[at - 1]?.index ?? 24)),
    'must rise',
  )
  .readonly();

/** At most two sign: an authority, and whoever follows it. */
export const authorityStatementSchema: z.ZodType<AuthorityRecord['statement']> = z.strictObject({
  payload: boundedBase64(8192),
  payloadType: z.literal(policyPayloadType),
  signatures: z
    .array(z.strictObject({ keyid: keyTextSchema, sig: boundedBase64(88) }))
    .min(1)
    .max(2)
    .readonly(),
});

const keyHead = {
  ...head,
  type: z.literal('urn:writ:key:v1'),
  role: z.enum(['log', 'artifact']),
  publicKey: z.string().regex(/^[A-Za-z0-9+/]{43}=$/),
};

const recordSchema: z.ZodType<LogRecord> = z.discriminatedUnion('type', [
  z.strictObject({
    ...head,
    type: z.literal('urn:writ:redemption:v1'),
    artifact: artifactIdSchema,
    artifactIndex: z.int().nonnegative(),
    redeemerNonceDigest: sha3HexSchema,
    redeemer: z.strictObject({ uid: uidSchema, gid: uidSchema }),
    policy: policySchema,
  }),
  z.strictObject({
    ...head,
    type: z.literal('urn:writ:revocation:v1'),
    target: revocationTargetSchema,
    cause: z.enum(revocationCauses),
    by: uidSchema.nullable(),
    policy: policySchema,
  }),
  leaseRecordSchema,
  endRecordSchema,
  statusRecordSchema,
  z.strictObject({
    ...head,
    type: z.literal('urn:writ:approval:v1'),
    signed: approvalDocumentSchema,
    approval: approvalSchema,
  }),
  z.strictObject({
    ...head,
    type: z.literal('urn:writ:policy:v1'),
    bundle: sha3HexSchema,
    version: z.int().positive(),
    engine: z.string().min(1).max(256),
    authority: keyTextSchema.nullable(),
    statement: sha3HexSchema.nullable(),
    by: uidSchema.nullable(),
    policy: policySchema,
  }),
  z.strictObject({
    ...head,
    type: z.literal('urn:writ:authority:v1'),
    statement: authorityStatementSchema,
  }),
  z.discriminatedUnion('event', [
    z.strictObject({ ...keyHead, event: z.enum(['use', 'retire']) }),
    z
      .strictObject({
        ...keyHead,
        event: z.literal('compromise'),
        fromIndex: z.int().nonnegative(),
        toIndex: z.int().nonnegative(),
      })
      .refine(({ fromIndex, toIndex }) => fromIndex <= toIndex, 'the range must not be reversed'),
  ]),
  z.strictObject({
    ...head,
    type: z.literal('urn:writ:start:v1'),
    daemon: z.string().min(1).max(256),
    version: z.string().min(1).max(64),
    boot: z.string().min(1).max(256),
    bootTimeMs: z.int().nonnegative(),
    clock: z.enum(['trusted', 'untrusted']),
    continuity: z.enum(['proven', 'unproven']),
  }),
  z.strictObject({ ...head, type: z.literal('urn:writ:stop:v1'), daemon: z.string().min(1).max(256) }),
  z.strictObject({
    ...head,
    type: z.literal('urn:writ:snapshot:v1'),
    size: z.int().positive(),
    manifest: z.strictObject({ sha3_512: sha3HexSchema, blake2b: sha3HexSchema }),
  }),
  z.strictObject({
    ...head,
    type: z.literal('urn:writ:quote:v1'),
    checkpoint: z.string().min(1).max(4096),
    key: tpmNameSchema,
    attest: boundedBase64(4096),
    signature: boundedBase64(1024),
    pcrs: pcrValuesSchema,
  }),
  z.strictObject({
    ...head,
    type: z.literal('urn:writ:anchor:v1'),
    key: tpmNameSchema,
    counter: tpmNameSchema,
    value: z.int().positive(),
    cause: z.enum(anchorCauses),
  }),
  z.strictObject({
    ...head,
    type: z.literal('urn:writ:recovery:v1'),
    announced: counterReadingSchema,
    found: counterReadingSchema.nullable(),
    by: uidSchema,
    reason: z.string().min(1).max(1024),
  }),
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
    case 'urn:writ:redemption:v1':
      return 'redemption';
    case 'urn:writ:revocation:v1':
      return 'revocation';
    case 'urn:writ:lease:v1':
      return 'lease';
    case 'urn:writ:end:v1':
      return 'end';
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
