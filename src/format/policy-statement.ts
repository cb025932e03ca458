/**
 * What a policy authority signs: that a bundle may decide, that another key may say so for some bundles, and which key
 * follows its own. Each is canonical JSON in a DSSE envelope whose payload type is used for nothing else, so that no
 * signature of a daemon, of an approver or over a transcript can pass for one.
 */

import { z } from 'zod';
import { equalBytes } from './bytes.js';
import { sha3HexSchema } from './digest-set.js';
import { jcsBytes } from './jcs.js';
import { firstIssue } from './statement.js';
import { parseJsonBytes } from './strict-json.js';
import { type Instant, instantSchema } from './time.js';

export const policyPayloadType = 'application/vnd.writ.policy+json';

/** That the bundle with this digest may be put in force. */
export interface BundleStatement {
  readonly type: 'urn:writ:policy-bundle:v1';
  /** SHA3-512 in hex of the bundle (docs/policy.md). */
  readonly bundle: string;
  readonly name: string;
  readonly version: number;
  /** The bundle that this one was made from, as a check against signing over another's work; null where none is named. */
  readonly previous: string | null;
  /** When it was signed, by the signer's clock. */
  readonly time: Instant;
}

/** That until `notAfter` the holder of `key` may sign bundles with these names, and nothing else. */
export interface DelegationStatement {
  readonly type: 'urn:writ:policy-delegation:v1';
  /** Base64 of the 32 bytes of an Ed25519 public key. */
  readonly key: string;
  readonly names: readonly string[];
  readonly notAfter: Instant;
  readonly time: Instant;
}

/** That `key` is the authority from now on, in the place of the key that signed. Signed by both, so no slip locks everybody out. */
export interface SuccessionStatement {
  readonly type: 'urn:writ:policy-succession:v1';
  readonly key: string;
  readonly time: Instant;
}

/** Statements about keys, which are logged so that they count for whatever is signed later. */
export type AuthorityStatement = DelegationStatement | SuccessionStatement;

export type PolicyStatement = BundleStatement | AuthorityStatement;

/** The most bundles that one delegation names. */
const maxNames = 64;

/** The name of a bundle (`bundle.toml`). */
export const bundleNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be lower-case letters, digits and hyphens');

/** An Ed25519 public key in a statement or record: base64 of its 32 bytes. Whether they are a key shows when it is used. */
export const keyTextSchema = z.string().regex(/^[A-Za-z0-9+/]{43}=$/, 'must be base64 of 32 bytes');

const statementSchema: z.ZodType<PolicyStatement> = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('urn:writ:policy-bundle:v1'),
    bundle: sha3HexSchema,
    name: bundleNameSchema,
    version: z.int().positive(),
    previous: sha3HexSchema.nullable(),
    time: instantSchema,
  }),
  z.strictObject({
    type: z.literal('urn:writ:policy-delegation:v1'),
    key: keyTextSchema,
    names: z.array(bundleNameSchema).min(1).max(maxNames).readonly(),
    notAfter: instantSchema,
    time: instantSchema,
  }),
  z.strictObject({
    type: z.literal('urn:writ:policy-succession:v1'),
    key: keyTextSchema,
    time: instantSchema,
  }),
]);

/** The bytes that are signed, inside the PAE of `policyPayloadType`. */
export function encodePolicyStatement(statement: PolicyStatement): Uint8Array {
  return jcsBytes(statement);
}

/**
 * Reads payload bytes. Throws JsonFaultError or SyntaxError for anything else than what `encodePolicyStatement` writes, so
 * that each statement has one form, and one digest.
 */
export function decodePolicyStatement(payload: Uint8Array): PolicyStatement {
  const parsed = statementSchema.safeParse(parseJsonBytes(payload));
  if (!parsed.success)
    throw new SyntaxError(`not a statement of a policy authority: ${firstIssue(parsed.error)}`);
  if (equalBytes(encodePolicyStatement(parsed.data), payload)) return parsed.data;
  throw new SyntaxError('not a statement of a policy authority: it is not in canonical form');
}
