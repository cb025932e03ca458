/**
 * An evidence pack: one file that holds what a log says about one decision, so that somebody who has only a trust bundle
 * can check it. It adds no claims of its own: whatever it says follows from the entries, and from what they digest.
 */

import { z } from 'zod';
import { type ArtifactId, artifactIdSchema } from './artifact-id.js';
import { type Envelope, envelopeSchema } from './dsse.js';
import { isProof, type PolicyDocument, policyDocumentSchema } from './policy-document.js';
import { firstIssue } from './statement.js';

export const evidencePackType = 'urn:writ:evidence:v1';

/** The document that a decision was made on (base64), which the decision names by its SHA3-512. */
export interface PackedInput {
  readonly id: ArtifactId;
  readonly input: string;
}

/**
 * `subject` is the decision that the pack is about; `entries` are envelopes with their proofs. `bundles` holds the texts of
 * policy bundles by file name; decisions and activations name the digest over them.
 */
export interface EvidencePack {
  readonly type: typeof evidencePackType;
  readonly subject: ArtifactId;
  readonly entries: readonly Envelope[];
  readonly inputs: readonly PackedInput[];
  readonly bundles: readonly Readonly<Record<string, string>>[];
  /** That bundles were signed; activations name the digest of each. */
  readonly policyProofs: readonly PolicyDocument[];
}

/** Far beyond the deepest lineage with everything that is said about each of its artifacts. */
const maxEntries = 10_000;

const packSchema: z.ZodType<EvidencePack> = z.strictObject({
  type: z.literal(evidencePackType),
  subject: artifactIdSchema,
  entries: z.array(envelopeSchema).min(1).max(maxEntries).readonly(),
  inputs: z.array(z.strictObject({ id: artifactIdSchema, input: z.base64() })).readonly(),
  bundles: z.array(z.record(z.string(), z.string()).readonly()).readonly(),
  policyProofs: z.array(policyDocumentSchema.refine(isProof, 'must be the proof of a signature')).readonly(),
});

/** Whether a JSON document says that it is an evidence pack. */
export function isEvidencePack(document: unknown): boolean {
  return (
    typeof document === 'object' &&
    document !== null &&
    'type' in document &&
    document.type === evidencePackType
  );
}

/** Reads a parsed JSON document. Throws SyntaxError, naming the first field that does not belong. */
export function readEvidencePack(document: unknown): EvidencePack {
  const parsed = packSchema.safeParse(document);
  if (!parsed.success) throw new SyntaxError(`no evidence pack of ours: ${firstIssue(parsed.error)}`);
  return parsed.data;
}
