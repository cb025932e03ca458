/** Methods of the socket that gather what is known about one decision: where it lies in the log, and what was decided on. */

import { z } from 'zod';
import { type ArtifactId, artifactIdSchema } from './artifact-id.js';
import { sha3HexSchema } from './digest-set.js';

export interface EvidenceParams {
  readonly id: ArtifactId;
}

/**
 * Log indices, rising, of what belongs to a grant or denial: itself, its ancestors, what was logged about each of them
 * (redemption, leases, end, revocations, approvals), the quotes that they cite, the policy activations that they were decided
 * under, and the newest standing status. The daemon's word: that nothing is missing is not proven. `size`: of the log then.
 */
export interface EvidenceFound {
  readonly decision: 'allow';
  readonly id: ArtifactId;
  readonly size: number;
  readonly indices: readonly number[];
}

export interface InputParams {
  readonly index: number;
  /** Byte from which on it is wanted: answers are bounded. */
  readonly offset: number;
}

/** Base64 of the bytes from the offset on, as many as fit an answer. `totalBytes` is 0 where no document was kept. */
interface DocumentPart {
  readonly decision: 'allow';
  readonly totalBytes: number;
  readonly part: string;
}

/** The documents that policies were asked about, one a line. */
export type InputPart = DocumentPart & { readonly index: number };

export interface BundleParams {
  /** The bundle's digest, SHA3-512 in hex. */
  readonly digest: string;
  readonly offset: number;
}

/** The document over which a bundle's digest is computed: one that is or was in force. */
export type BundlePart = DocumentPart & { readonly digest: string };

/** The proof that a bundle was signed (policy-document.ts), by the digest that the record of its activation names. */
export type PolicyProofPart = DocumentPart & { readonly digest: string };

const partOfDigest = z.strictObject({ digest: sha3HexSchema, offset: z.int().nonnegative() });

export const evidenceParamsSchemas = {
  evidence: z.strictObject({ id: artifactIdSchema }),
  'log.input': z.strictObject({ index: z.int().nonnegative(), offset: z.int().nonnegative() }),
  'policy.bundle': partOfDigest,
  'policy.proof': partOfDigest,
};
