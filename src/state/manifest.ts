/**
 * The manifest of a snapshot: which state of the views lies in which files, with the digest of each part. Its own
 * digests are in a sealed `snapshot` record, so whatever it names is as authentic as the log. JSON in canonical form.
 */

import { z } from 'zod';
import { base64Decode } from '../format/base64.js';
import type { SnapshotRecord } from '../format/daemon-record.js';
import { sha3HexSchema } from '../format/digest-set.js';
import { hexEncode } from '../format/hex.js';
import { jcsBytes } from '../format/jcs.js';
import { authorityStatementSchema } from '../format/policy-record.js';
import { checkedRecord } from '../format/record.js';
import { revocationRuleSchema } from '../format/revocation.js';
import { firstIssue } from '../format/statement.js';
import { parseJsonBytes } from '../format/strict-json.js';
import { tpmNameSchema } from '../format/tpm-public.js';
import { evidenceDigests } from '../hash/evidence.js';
import { spanEntries } from '../log/journal-positions.js';
import { rangeEntries } from './id-index.js';
import type { KeyEnd, SpanFacts } from './span.js';

/** A span on disk; `changes` and `tags` are BLAKE2b-512 digests, `root` is that of its subtree (base64). */
export interface StoredSpan {
  readonly root: string;
  readonly changes: string;
  readonly tags: string;
  readonly redemptions: number;
  readonly revocations: number;
  readonly leases: number;
  readonly ends: number;
  readonly facts: SpanFacts;
}

export interface Manifest {
  readonly format: 'writ.snapshot/v2';
  readonly log: string;
  /** Entries covered; always whole spans. */
  readonly size: number;
  /** Journal segments that had ended. */
  readonly segments: readonly { readonly firstIndex: number; readonly sizeBytes: number }[];
  readonly spans: readonly StoredSpan[];
  /** The BLAKE2b-512 digest of each run of ids. */
  readonly runs: readonly string[];
}

const count = z.int().nonnegative();
const hash = z.string().regex(/^[A-Za-z0-9+/]{43}=$/);

const keyEndSchema: z.ZodType<KeyEnd> = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('retire'), publicKey: hash }),
  z.strictObject({
    event: z.literal('compromise'),
    publicKey: hash,
    from: count,
    to: count,
    index: count,
  }),
]);

const manifestSchema: z.ZodType<Manifest> = z
  .strictObject({
    format: z.literal('writ.snapshot/v2'),
    log: z.string().min(1).max(256),
    size: count,
    segments: z.array(z.strictObject({ firstIndex: count, sizeBytes: count })),
    spans: z.array(
      z.strictObject({
        root: hash,
        changes: sha3HexSchema,
        tags: sha3HexSchema,
        redemptions: count.max(spanEntries),
        revocations: count.max(spanEntries),
        leases: count.max(spanEntries),
        ends: count.max(spanEntries),
        facts: z.strictObject({
          policy: z
            .strictObject({
              bundle: sha3HexSchema,
              version: count,
              authority: hash.nullable(),
              statement: sha3HexSchema.nullable(),
            })
            .optional(),
          authorityStatements: z.array(authorityStatementSchema).optional(),
          logKey: hash.optional(),
          artifactKey: hash.optional(),
          bootAnchor: z.unknown().optional().transform(startRecord),
          keyEnds: z.array(keyEndSchema).optional(),
          revokedRules: z.array(z.strictObject({ index: count, rule: revocationRuleSchema })).optional(),
          anchor: z
            .strictObject({
              key: tpmNameSchema,
              counter: tpmNameSchema,
              value: count,
              index: count,
              isLast: z.boolean(),
            })
            .nullable()
            .optional(),
          approvals: z.array(count).optional(),
          voidBefore: count.optional(),
        }),
      }),
    ),
    runs: z.array(sha3HexSchema),
  })
  .refine(
    ({ size, spans, runs }) =>
      size === spans.length * spanEntries && runs.length === Math.floor(size / rangeEntries),
    'size, spans and runs must fit together',
  );

/** The bytes of a manifest, and their digests as a snapshot record states them. */
export function encodeManifest(manifest: Manifest): {
  readonly bytes: Uint8Array;
  readonly digests: SnapshotRecord['manifest'];
} {
  const bytes = jcsBytes(manifest);
  return { bytes, digests: manifestDigests(bytes) };
}

/** The digests of a manifest's bytes as a snapshot record states them. */
export function manifestDigests(bytes: Uint8Array): SnapshotRecord['manifest'] {
  const { sha3_512, blake2b } = evidenceDigests(bytes);
  return { sha3_512: hexEncode(sha3_512), blake2b: hexEncode(blake2b) };
}

/** Reads a manifest. Throws SyntaxError or JsonFaultError for anything else. */
export function decodeManifest(bytes: Uint8Array): Manifest {
  const parsed = manifestSchema.safeParse(parseJsonBytes(bytes));
  if (!parsed.success) throw new SyntaxError(`not a snapshot of ours: ${firstIssue(parsed.error)}`);
  return parsed.data;
}

/** The root of a span's subtree: 32 bytes. */
export function rootOf({ root }: StoredSpan): Uint8Array {
  return base64Decode(root);
}

function startRecord(value: unknown, context: z.RefinementCtx): SpanFacts['bootAnchor'] {
  if (value === undefined) return undefined;
  try {
    const record = checkedRecord(value);
    if (record.type === 'urn:writ:start:v1') return record;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  context.addIssue({ code: 'custom', message: 'not a start record' });
  return z.NEVER;
}
