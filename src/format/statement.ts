/** In-toto Statement v1: the payload of every artifact, and the three predicate types of ours. */

import { z } from 'zod';
import { type DigestSet, digestSetSchema } from './digest-set.js';
import { jcsText, type RememberedTexts } from './jcs.js';
import {
  type DenialPredicate,
  denialPredicateSchema,
  type GrantPredicate,
  grantPredicateSchema,
} from './predicate.js';
import { readOwnStatement, type StatementMemory } from './statement-reader.js';
import { parseJsonBytes } from './strict-json.js';
import { utf8Encode } from './utf8.js';

export const statementPayloadType = 'application/vnd.in-toto+json';

/** A statement of ours: subject names what may run or be trusted; one subject, always with all three digests. */
export type Statement =
  | (StatementHead & {
      readonly predicateType: 'urn:writ:authorization:v1';
      readonly predicate: GrantPredicate;
    })
  | (StatementHead & { readonly predicateType: 'urn:writ:signature:v1'; readonly predicate: GrantPredicate })
  | (StatementHead & { readonly predicateType: 'urn:writ:denial:v1'; readonly predicate: DenialPredicate });

export interface StatementHead {
  readonly _type: 'https://in-toto.io/Statement/v1';
  readonly subject: readonly [Subject];
}

export interface Subject {
  readonly name: string;
  readonly digest: DigestSet;
}

/** The log entry kinds whose payload is a statement: the third part of its predicateType. */
export type StatementKind = 'authorization' | 'signature' | 'denial';

/** Bounded so that whatever was granted can be shown again within one 64 KiB line, proof and base64 included. */
export const maxStatementBytes = 40_960;

const head = {
  _type: z.literal('https://in-toto.io/Statement/v1'),
  subject: z.tuple([z.strictObject({ name: z.string().max(16_384), digest: digestSetSchema })]).readonly(),
};

const statementSchema: z.ZodType<Statement> = z.discriminatedUnion('predicateType', [
  z.strictObject({
    ...head,
    predicateType: z.literal('urn:writ:authorization:v1'),
    predicate: grantPredicateSchema,
  }),
  z.strictObject({
    ...head,
    predicateType: z.literal('urn:writ:signature:v1'),
    predicate: grantPredicateSchema,
  }),
  z.strictObject({
    ...head,
    predicateType: z.literal('urn:writ:denial:v1'),
    predicate: denialPredicateSchema,
  }),
]);

/**
 * The payload of a statement, as canonical JSON; parts of it may be remembered. Throws RangeError when it would exceed
 * `maxStatementBytes`.
 */
export function statementText(statement: Statement, remembered: RememberedTexts | null = null): string {
  const text = jcsText(statement, remembered);
  // No UTF-16 code unit takes more than three bytes, so most texts need not be counted.
  const sizeBytes = text.length * 3 <= maxStatementBytes ? text.length : utf8Encode(text).length;
  if (sizeBytes > maxStatementBytes) {
    throw new RangeError(
      `the statement is ${sizeBytes} bytes long, at most ${maxStatementBytes} can be sealed`,
    );
  }
  return text;
}

/** The payload bytes of a statement. Throws like `statementText`. */
export function encodeStatement(statement: Statement): Uint8Array {
  return utf8Encode(statementText(statement));
}

/**
 * Reads payload bytes; with a `memory`, statements share the parts that they have in common. Throws JsonFaultError or
 * SyntaxError, naming the first field that does not belong.
 */
export function decodeStatement(payload: Uint8Array, memory: StatementMemory | null = null): Statement {
  return readOwnStatement(payload, memory) ?? decodeBySchema(payload);
}

/**
 * Reads payload bytes by the schemas alone, which decide what a statement is; `decodeStatement` only answers sooner where
 * they would accept. Throws like it.
 */
export function decodeBySchema(payload: Uint8Array): Statement {
  const parsed = statementSchema.safeParse(parseJsonBytes(payload));
  if (!parsed.success) throw new SyntaxError(`not a statement of ours: ${firstIssue(parsed.error)}`);
  return parsed.data;
}

/** The kind under which a statement is logged. */
export function statementKind({ predicateType }: Statement): StatementKind {
  switch (predicateType) {
    case 'urn:writ:authorization:v1':
      return 'authorization';
    case 'urn:writ:signature:v1':
      return 'signature';
    case 'urn:writ:denial:v1':
      return 'denial';
  }
}

/**
 * `path: message` of the first thing a schema found wrong; of alternatives that have no sentence of their own, in the one that
 * comes nearest.
 */
export function firstIssue({ issues }: Pick<z.ZodError, 'issues'>): string {
  const [issue] = issues;
  if (issue === undefined) return 'unknown';
  const path = issue.path.join('.');
  const nearest =
    issue.code === 'invalid_union' && issue.message === 'Invalid input'
      ? issue.errors.toSorted((left, right) => left.length - right.length).find(({ length }) => length > 0)
      : undefined;
  const message = nearest === undefined ? issue.message : firstIssue({ issues: nearest });
  return path === '' ? message : `${path}: ${message}`;
}
