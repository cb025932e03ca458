/** The records of a policy: which bundle is in force from an entry on, and what authorities say of the keys that sign bundles. */

import { z } from 'zod';
import { sha3HexSchema } from './digest-set.js';
import { keyTextSchema, policyPayloadType } from './policy-statement.js';
import type { PolicyRecord } from './predicate.js';
import {
  boundedBase64,
  policyRecordsSchema,
  type RecordHead,
  recordHeadShape,
  uidSchema,
} from './record-head.js';

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

export const policyActivationRecordSchema = z.strictObject({
  ...recordHeadShape,
  type: z.literal('urn:writ:policy:v1'),
  bundle: sha3HexSchema,
  version: z.int().positive(),
  engine: z.string().min(1).max(256),
  authority: keyTextSchema.nullable(),
  statement: sha3HexSchema.nullable(),
  by: uidSchema.nullable(),
  policy: policyRecordsSchema,
});

export const authorityRecordSchema = z.strictObject({
  ...recordHeadShape,
  type: z.literal('urn:writ:authority:v1'),
  statement: authorityStatementSchema,
});
