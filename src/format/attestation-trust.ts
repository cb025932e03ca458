/** The part of a trust bundle that says which TPMs are believed, and what they must have measured. */

import { z } from 'zod';
import { base64Decode } from './base64.js';
import { type AttestationPublic, parseAttestationPublic, tpmNameOf, tpmNameSchema } from './tpm-public.js';

/**
 * As JSON carries it. `publicArea` is base64 of the key's TPMT_PUBLIC, `name` its Name in hex (TPM 2.0 Library Part 1, section
 * 16). `since` are the counts as a quote by this very key showed them when it was enrolled: the TPM's own differ, unless the
 * key is of the endorsement hierarchy.
 */
export interface AttestationDocument {
  readonly keys: readonly {
    readonly log: string;
    readonly name: string;
    readonly publicArea: string;
    readonly since: BootCount;
  }[];
  readonly pcrs: readonly ReferenceValues[];
  readonly maxAgeSeconds: number;
}

export interface BootCount {
  readonly resetCount: number;
  readonly restartCount: number;
}

/** The values (hex) of which a PCR of the SHA-256 bank must have one. A PCR that is not listed is not compared. */
export interface ReferenceValues {
  readonly index: number;
  readonly values: readonly string[];
}

/** A key whose quotes are believed in the log with this origin. */
export interface TrustedAttestationKey {
  readonly log: string;
  readonly name: string;
  readonly publicArea: Uint8Array;
  readonly point: AttestationPublic;
  readonly since: BootCount;
}

export interface AttestationTrust {
  readonly keys: readonly TrustedAttestationKey[];
  readonly pcrs: readonly ReferenceValues[];
  /** How much older than what cites it a quote may be. */
  readonly maxAgeMs: number;
}

const count = z.int().min(0).max(0xffff_ffff);
/** A public area of P-256 takes less than 200 bytes. */
const publicAreaBase64 = z
  .string()
  .max(512)
  .regex(/^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, 'must be base64');

export const attestationSchema: z.ZodType<AttestationDocument> = z.strictObject({
  keys: z
    .array(
      z.strictObject({
        log: z.string().min(1).max(256),
        name: tpmNameSchema,
        publicArea: publicAreaBase64,
        since: z.strictObject({ resetCount: count, restartCount: count }),
      }),
    )
    .min(1)
    .readonly(),
  pcrs: z
    .array(
      z.strictObject({
        index: z.int().min(0).max(23),
        values: z
          .array(z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 digest in hex'))
          .min(1)
          .readonly(),
      }),
    )
    .refine((pcrs) => new Set(pcrs.map(({ index }) => index)).size === pcrs.length, 'must name each PCR once')
    .readonly(),
  maxAgeSeconds: z
    .int()
    .positive()
    .max(Number.MAX_SAFE_INTEGER / 1000),
});

/**
 * Reads the keys. Throws SyntaxError for a public area that is not of an attestation key, or not the one that its name
 * digests.
 */
export function parseAttestation({ keys, pcrs, maxAgeSeconds }: AttestationDocument): AttestationTrust {
  return {
    keys: keys.map(({ log, name, publicArea: encoded, since }) => {
      const publicArea = base64Decode(encoded);
      const point = parseAttestationPublic(publicArea);
      if (tpmNameOf(publicArea) !== name)
        throw new SyntaxError(`the public area of an attestation key does not digest to its name ${name}`);
      return { log, name, publicArea, point, since };
    }),
    pcrs,
    maxAgeMs: maxAgeSeconds * 1000,
  };
}
