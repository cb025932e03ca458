/** The trust bundle (`trust.json`): the keys that a relying party pins. The daemon's word alone adds none. */

import { z } from 'zod';
import {
  type AttestationDocument,
  type AttestationTrust,
  attestationSchema,
  parseAttestation,
} from './attestation-trust.js';
import { base64Decode } from './base64.js';
import { parseVerifierKey, type VerifierKey } from './note.js';
import { firstIssue } from './statement.js';

/**
 * A trust bundle as JSON carries it. `retired` pins a log key that signs no more to its final tree head; `compromisedFrom`
 * says that what it sealed from this log index on is revoked.
 */
export interface TrustDocument {
  readonly type: 'urn:writ:trust:v1';
  readonly logs: readonly {
    readonly origin: string;
    readonly vkey: string;
    readonly retired: RetiredDocument | null;
  }[];
  /** Base64 of the raw 32-byte Ed25519 public keys that sign exports. */
  readonly artifactKeys: readonly string[];
  /** Base64 of the raw 32-byte Ed25519 public keys that vouch for how a log was set up. Absent: none. */
  readonly policyAuthorities?: readonly string[] | undefined;
  /** The TPMs that are believed. Null or absent: none. */
  readonly attestation?: AttestationDocument | null | undefined;
}

export interface RetiredDocument {
  readonly size: number;
  readonly root: string;
  readonly compromisedFrom?: number | undefined;
}

/** The tree that a retired log key ended with. */
export interface RetiredLog {
  readonly size: number;
  readonly root: Uint8Array;
  readonly compromisedFrom?: number | undefined;
  /** Smaller tree heads that are proven to be of the same log (`withProvenHead`). */
  readonly proven?: readonly { readonly size: number; readonly root: Uint8Array }[] | undefined;
}

/** A log whose checkpoints are believed. */
export interface TrustedLog {
  readonly origin: string;
  readonly key: VerifierKey;
  readonly retired: RetiredLog | null;
}

export interface Trust {
  readonly logs: readonly TrustedLog[];
  readonly artifactKeys: readonly Uint8Array[];
  readonly policyAuthorities: readonly Uint8Array[];
  readonly attestation: AttestationTrust | null;
}

const base64Of32Bytes = z.string().regex(/^[A-Za-z0-9+/]{43}=$/, 'must be base64 of 32 bytes');

export const trustSchema: z.ZodType<TrustDocument> = z.strictObject({
  type: z.literal('urn:writ:trust:v1'),
  logs: z
    .array(
      z.strictObject({
        origin: z.string().min(1).max(256),
        vkey: z.string().min(1).max(1024),
        retired: z
          .strictObject({
            size: z.int().nonnegative(),
            root: base64Of32Bytes,
            compromisedFrom: z.int().nonnegative().optional(),
          })
          .nullable(),
      }),
    )
    .min(1)
    .readonly(),
  artifactKeys: z.array(base64Of32Bytes).readonly(),
  policyAuthorities: z.array(base64Of32Bytes).readonly().optional(),
  attestation: attestationSchema.nullish(),
});

/** Reads a trust bundle. Throws SyntaxError, naming the first field that does not belong. */
export function parseTrust(document: unknown): Trust {
  const parsed = trustSchema.safeParse(document);
  if (!parsed.success) throw new SyntaxError(`not a trust bundle: ${firstIssue(parsed.error)}`);
  return {
    logs: parsed.data.logs.map(({ origin, vkey, retired }) => ({
      origin,
      key: parseVerifierKey(vkey),
      retired: retired && { ...retired, root: base64Decode(retired.root) },
    })),
    artifactKeys: parsed.data.artifactKeys.map(base64Decode),
    policyAuthorities: (parsed.data.policyAuthorities ?? []).map(base64Decode),
    attestation: parsed.data.attestation ? parseAttestation(parsed.data.attestation) : null,
  };
}
