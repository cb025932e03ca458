/**
 * A policy bundle on its way (`*.writ-policy.json`): its files, the authority's statement about it, and the statements
 * that lead from a pinned authority to the key that signed it. Without the files it is the proof that a bundle was signed;
 * without a bundle it carries statements about keys alone.
 */

import { z } from 'zod';
import { sha3_512 } from '../hash/evidence.js';
import { type Envelope, envelopeSchema } from './dsse.js';
import { hexEncode } from './hex.js';
import { jcsBytes } from './jcs.js';
import { firstIssue } from './statement.js';
import { parseJsonBytes } from './strict-json.js';

export interface PolicyDocument {
  readonly type: 'urn:writ:policy-document:v1';
  /** The exact texts of the bundle's files, by name; null where only signatures are carried. */
  readonly files: Readonly<Record<string, string>> | null;
  /** The texts of its tests, which no decision depends on; null without files. */
  readonly tests: Readonly<Record<string, string>> | null;
  /** A signed BundleStatement; null for a bundle that nobody signed, and where there is no bundle. */
  readonly statement: Envelope | null;
  /** Signed AuthorityStatements, each by a key that was an authority before it or became one in it. */
  readonly chain: readonly Envelope[];
}

/** A proof that a bundle was signed: a document with a statement and without files. */
export interface PolicyProof extends PolicyDocument {
  readonly files: null;
  readonly tests: null;
  readonly statement: Envelope;
}

/** The largest document that is taken anywhere, in bytes. */
export const maxPolicyDocumentBytes = 2 << 20;

const maxChain = 64;

export const policyDocumentSchema: z.ZodType<PolicyDocument> = z.strictObject({
  type: z.literal('urn:writ:policy-document:v1'),
  files: z.record(z.string(), z.string()).nullable(),
  tests: z.record(z.string(), z.string()).nullable(),
  statement: envelopeSchema.nullable(),
  chain: z.array(envelopeSchema).max(maxChain).readonly(),
});

/** A document as bytes: canonical JSON. */
export function encodePolicyDocument(document: PolicyDocument): Uint8Array {
  return jcsBytes(document);
}

/** Reads a document. Throws JsonFaultError or SyntaxError, naming the first field that does not belong. */
export function decodePolicyDocument(bytes: Uint8Array): PolicyDocument {
  return checkedPolicyDocument(parseJsonBytes(bytes));
}

/** A parsed JSON value as a document. Throws SyntaxError, naming the first field that does not belong. */
export function checkedPolicyDocument(value: unknown): PolicyDocument {
  const parsed = policyDocumentSchema.safeParse(value);
  if (!parsed.success) throw new SyntaxError(`not a policy document: ${firstIssue(parsed.error)}`);
  return parsed.data;
}

/** The proof that a bundle was signed, by a signer that the chain leads to. */
export function proofOf(statement: Envelope, chain: readonly Envelope[]): PolicyProof {
  return { type: 'urn:writ:policy-document:v1', files: null, tests: null, statement, chain };
}

/** Whether a document is the proof of a signature, and nothing more. */
export function isProof(document: PolicyDocument): document is PolicyProof {
  return document.files === null && document.tests === null && document.statement !== null;
}

/** SHA3-512 in hex of a proof: what an activation's record names. */
export function proofDigest(proof: PolicyProof): string {
  return hexEncode(sha3_512(encodePolicyDocument(proof)));
}
