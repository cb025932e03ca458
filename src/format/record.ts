/** Typed records: the payloads of log entries that carry state. They hold ids only and are never erased. */

import { z } from 'zod';
import { type ArtifactId, artifactIdSchema } from './artifact-id.js';
import { sha3HexSchema } from './digest-set.js';
import { jcsText } from './jcs.js';
import { nonceSchema } from './predicate.js';
import { firstIssue } from './statement.js';
import { parseJsonBytes } from './strict-json.js';
import { type Instant, instantSchema } from './time.js';
import { utf8Encode } from './utf8.js';

export const recordPayloadType = 'application/vnd.writ.record+json';

/** What every record carries: when, in which log, and 16 random bytes (base64) that make its digest unguessable. */
interface RecordHead {
  readonly time: Instant;
  readonly log: string;
  readonly nonce: string;
}

/** The receipt that turns an artifact into permission, once. `redeemerNonce` is the redeemer's own. */
export interface RedemptionRecord extends RecordHead {
  readonly type: 'urn:writ:redemption:v1';
  readonly artifact: ArtifactId;
  /** Log index of the artifact's own entry. */
  readonly artifactIndex: number;
  readonly redeemerNonce: string;
  readonly redeemer: { readonly uid: number; readonly gid: number };
}

export const revocationCauses = ['withdrawn', 'superseded', 'compromised', 'unsealed'] as const;
/** `unsealed`: the grant's seal missed its deadline, so nobody ever held a proof of it. */
export type RevocationCause = (typeof revocationCauses)[number];

/** Ends an artifact or a receipt. `by` is the uid that asked, or null where the daemon itself revoked. */
export interface RevocationRecord extends RecordHead {
  readonly type: 'urn:writ:revocation:v1';
  readonly target: ArtifactId;
  /** Log index of the target's own entry. */
  readonly targetIndex: number;
  readonly cause: RevocationCause;
  readonly by: number | null;
}

/** The policy bundle in force from this entry on. */
export interface PolicyActivationRecord extends RecordHead {
  readonly type: 'urn:writ:policy:v1';
  readonly bundle: string;
  readonly version: number;
  readonly engine: string;
}

/** A public key that this log uses from this entry on; `publicKey` is base64 of 32 bytes. */
export interface KeyRecord extends RecordHead {
  readonly type: 'urn:writ:key:v1';
  readonly role: 'log' | 'artifact';
  readonly publicKey: string;
}

/** A daemon run begins. Where the `clock` was trusted, `bootTimeMs` is CLOCK_BOOTTIME at `time`. */
export interface StartRecord extends RecordHead {
  readonly type: 'urn:writ:start:v1';
  readonly daemon: string;
  readonly version: string;
  readonly boot: string;
  readonly bootTimeMs: number;
  readonly clock: 'trusted' | 'untrusted';
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

export type LogRecord =
  | RedemptionRecord
  | RevocationRecord
  | PolicyActivationRecord
  | KeyRecord
  | StartRecord
  | StopRecord
  | SnapshotRecord;

/** The log entry kinds whose payload is a record: the third part of its type. */
export type RecordKind = 'redemption' | 'revocation' | 'policy' | 'key' | 'start' | 'stop' | 'snapshot';

const head = { time: instantSchema, log: z.string().min(1).max(256), nonce: nonceSchema };
const uidSchema = z.int().min(0).max(0xffff_ffff);

const recordSchema: z.ZodType<LogRecord> = z.discriminatedUnion('type', [
  z.strictObject({
    ...head,
    type: z.literal('urn:writ:redemption:v1'),
    artifact: artifactIdSchema,
    artifactIndex: z.int().nonnegative(),
    redeemerNonce: nonceSchema,
    redeemer: z.strictObject({ uid: uidSchema, gid: uidSchema }),
  }),
  z.strictObject({
    ...head,
    type: z.literal('urn:writ:revocation:v1'),
    target: artifactIdSchema,
    targetIndex: z.int().nonnegative(),
    cause: z.enum(revocationCauses),
    by: uidSchema.nullable(),
  }),
  z.strictObject({
    ...head,
    type: z.literal('urn:writ:policy:v1'),
    bundle: sha3HexSchema,
    version: z.int().positive(),
    engine: z.string().min(1).max(256),
  }),
  z.strictObject({
    ...head,
    type: z.literal('urn:writ:key:v1'),
    role: z.enum(['log', 'artifact']),
    publicKey: z.string().regex(/^[A-Za-z0-9+/]{43}=$/),
  }),
  z.strictObject({
    ...head,
    type: z.literal('urn:writ:start:v1'),
    daemon: z.string().min(1).max(256),
    version: z.string().min(1).max(64),
    boot: z.string().min(1).max(256),
    bootTimeMs: z.int().nonnegative(),
    clock: z.enum(['trusted', 'untrusted']),
  }),
  z.strictObject({ ...head, type: z.literal('urn:writ:stop:v1'), daemon: z.string().min(1).max(256) }),
  z.strictObject({
    ...head,
    type: z.literal('urn:writ:snapshot:v1'),
    size: z.int().positive(),
    manifest: z.strictObject({ sha3_512: sha3HexSchema, blake2b: sha3HexSchema }),
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
    case 'urn:writ:policy:v1':
      return 'policy';
    case 'urn:writ:key:v1':
      return 'key';
    case 'urn:writ:start:v1':
      return 'start';
    case 'urn:writ:stop:v1':
      return 'stop';
    case 'urn:writ:snapshot:v1':
      return 'snapshot';
  }
}
