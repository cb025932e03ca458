/**
 * What an approver signs: one request, exactly, as it waits in one log. Everything in it can be recomputed from the artifact
 * that comes of the request, so an approval that stands in another artifact is seen to be for something else.
 */

import { z } from 'zod';
import { sha3_512 } from '../hash/evidence.js';
import { sha512 } from '../hash/sha512.js';
import { type ArtifactId, artifactIdSchema } from './artifact-id.js';
import { sha3HexSchema } from './digest-set.js';
import { hexEncode } from './hex.js';
import { jcsBytes } from './jcs.js';
import { type Approval, approvalSchema, type GrantPredicate, nonceSchema } from './predicate.js';
import { type RecordHead, recordHeadShape } from './record-head.js';
import { sshSignedBytes } from './sshsig.js';
import { firstIssue } from './statement.js';
import { parseJsonBytes } from './strict-json.js';
import { type Instant, instantSchema } from './time.js';

/** The namespace of approvals that OpenSSH signs (`ssh-keygen -Y sign -n approval@writ`). */
export const approvalNamespace = 'approval@writ';

/** What is approved. Digests are SHA3-512, hex, over canonical JSON (RFC 8785). */
export interface ApprovedMatter {
  /** Of `{method, params}` as they were asked. */
  readonly request: string;
  /** Of the artifact's scope: with the digests of the executable as it was measured. */
  readonly scope: string;
  /** Who asked; `executable` is its SHA3-512, or null where it could not be measured. */
  readonly initiator: { readonly uid: number; readonly executable: string | null };
  /** Of the environment's bindings `[{name, source, value}, …]`, without the quotes that vouch for them, which are renewed. */
  readonly environment: string;
  readonly parent: ArtifactId | null;
  /** Digest of the policy bundle that demands the approval. */
  readonly bundle: string;
}

/** The document that is signed, as canonical JSON in UTF-8. `pending` names the request that waits, in this log only. */
export interface ApprovalDocument extends ApprovedMatter {
  readonly type: 'writ.approval/v1';
  readonly log: string;
  readonly pending: string;
  readonly expires: Instant;
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

export const approvalDocumentSchema: z.ZodType<ApprovalDocument> = z.strictObject({
  type: z.literal('writ.approval/v1'),
  log: z.string().min(1).max(256),
  pending: nonceSchema,
  expires: instantSchema,
  request: sha3HexSchema,
  scope: sha3HexSchema,
  initiator: z.strictObject({ uid: z.int().min(0).max(0xffff_ffff), executable: sha3HexSchema.nullable() }),
  environment: sha3HexSchema,
  parent: artifactIdSchema.nullable(),
  bundle: sha3HexSchema,
});

export const approvalRecordSchema = z.strictObject({
  ...recordHeadShape,
  type: z.literal('urn:writ:approval:v1'),
  signed: approvalDocumentSchema,
  approval: approvalSchema,
});

/** The parts of an artifact on which an approval depends. */
export type ApprovedParts = Pick<GrantPredicate, 'scope' | 'environment'> & {
  readonly request: string;
  readonly initiator: Pick<GrantPredicate['initiator'], 'peer'>;
  readonly parent: ArtifactId | null;
  readonly bundle: string;
};

/** What is approved, out of the artifact or out of what will become one. */
export function approvedMatter({
  request,
  scope,
  initiator,
  environment,
  parent,
  bundle,
}: ApprovedParts): ApprovedMatter {
  const { uid, executable } = initiator.peer;
  return {
    request,
    scope: canonicalDigest(scope),
    initiator: { uid, executable: executable.source === 'unavailable' ? null : executable.digests.sha3_512 },
    environment: canonicalDigest(environment.map(({ name, value, source }) => ({ name, value, source }))),
    parent,
    bundle,
  };
}

/** What is approved with an artifact. */
export function matterOf({ attribution, lineage, policy, ...rest }: GrantPredicate): ApprovedMatter {
  const { request } = attribution;
  return approvedMatter({ ...rest, request, parent: lineage.parent, bundle: policy.bundle });
}

/** The document that a given approval must be a signature over. */
export function approvalDocument(
  matter: ApprovedMatter,
  log: string,
  { pending, expires }: Pick<Approval, 'pending' | 'expires'>,
): ApprovalDocument {
  const { request, scope, initiator, environment, parent, bundle } = matter;
  return {
    type: 'writ.approval/v1',
    log,
    pending,
    expires,
    request,
    scope,
    initiator,
    environment,
    parent,
    bundle,
  };
}

/** The bytes of a document: what `ssh-keygen -Y sign` is given, and what a token signs as they are. */
export function encodeApproval(document: ApprovalDocument): Uint8Array {
  return jcsBytes(document);
}

/** Reads the bytes of a document. Throws JsonFaultError or SyntaxError, naming the first field that does not belong. */
export function decodeApproval(bytes: Uint8Array): ApprovalDocument {
  const parsed = approvalDocumentSchema.safeParse(parseJsonBytes(bytes));
  if (!parsed.success) throw new SyntaxError(`not an approval: ${firstIssue(parsed.error)}`);
  return parsed.data;
}

/** The bytes that the key signs: the document's own, or OpenSSH's wrapping (SHA-512, the default of ssh-keygen). */
export function approvalMessage(document: ApprovalDocument, form: Approval['form']): Uint8Array {
  const bytes = encodeApproval(document);
  switch (form) {
    case 'ed25519':
      return bytes;
    case 'sshsig':
      return sshSignedBytes(approvalNamespace, 'sha512', sha512(bytes));
  }
}

function canonicalDigest(value: unknown): string {
  return hexEncode(sha3_512(jcsBytes(value)));
}
