/**
 * Proof of possession: how whoever presents an artifact that is bound to a key shows that he holds it. He signs what the
 * proof is for, so that a proof for one artifact, one nonce and one use is none for another; a proof that was made for a
 * verifier, for instance, never redeems anything at the daemon.
 */

import { z } from 'zod';
import { type ArtifactId, artifactIdSchema } from './artifact-id.js';
import { jcsBytes } from './jcs.js';
import { nonceSchema } from './predicate.js';

/** `redeem`: at the log that issued it. `present`: to anybody else, whose nonce it then answers. */
export type PossessionUse = 'redeem' | 'present';

/** What is signed. `audience` names the one verifier that a presentation is for; null leaves it open. */
export interface PossessionClaim {
  readonly use: PossessionUse;
  readonly artifact: ArtifactId;
  /** Origin of the log that issued it. */
  readonly log: string;
  /** Base64 of 16 bytes: the redeemer's own, or of the verifier's choice. */
  readonly nonce: string;
  readonly audience: string | null;
}

/**
 * How the key signed the claim's text. `ed25519`: 64 bytes over the text itself. `sshsig`: the blob of an OpenSSH signature
 * over it, in the namespace of its use. Both in base64.
 */
export interface PossessionSignature {
  readonly form: 'ed25519' | 'sshsig';
  readonly signature: string;
}

/** A presentation as a document of its own. */
export interface PossessionProof extends PossessionClaim, PossessionSignature {
  readonly type: typeof possessionType;
  readonly use: 'present';
}

export const possessionType = 'urn:writ:possession:v1';

/** The namespaces of OpenSSH signatures. */
export const possessionNamespaces: Readonly<Record<PossessionUse, string>> = {
  redeem: 'redeem@writ',
  present: 'present@writ',
};

/** The text that the key signs: canonical JSON, which names its own purpose. */
export function possessionText({ use, artifact, log, nonce, audience }: PossessionClaim): Uint8Array {
  return jcsBytes({ type: possessionType, use, artifact, log, nonce, audience });
}

const signatureShape = {
  form: z.enum(['ed25519', 'sshsig']),
  signature: z
    .string()
    .min(4)
    .max(2048)
    .regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, 'must be base64'),
};

export const possessionSignatureSchema: z.ZodType<PossessionSignature> = z.strictObject(signatureShape);

export const possessionProofSchema: z.ZodType<PossessionProof> = z.strictObject({
  ...signatureShape,
  type: z.literal(possessionType),
  use: z.literal('present'),
  artifact: artifactIdSchema,
  log: z.string().min(1).max(256),
  nonce: nonceSchema,
  audience: z.string().min(1).max(256).nullable(),
});
