/** What may be done: the exact action that an authorization covers, as it is asked for and as it is sealed. */

import { z } from 'zod';
import { type DigestSet, digestSetSchema, sha3HexSchema } from './digest-set.js';
import { type ExactText, exactTextSchema } from './exact-text.js';
import { type JsonObject, type JsonValue, maxDepth } from './strict-json.js';

/** Start one program. `environmentDigest`: see `environmentDigest` in format/environment-digest.ts. */
export interface ExecuteRequest {
  readonly type: 'execute';
  readonly executable: ExactText;
  readonly argv: readonly ExactText[];
  readonly cwd: ExactText;
  readonly environmentDigest: string;
}

/** Make one tool call, with exactly these arguments. */
export interface ToolAction {
  readonly type: 'tool';
  readonly tool: string;
  readonly arguments: JsonObject;
}

/** Sign one blob. Its digests are the caller's word: the daemon never sees the bytes. */
export interface SignAction {
  readonly type: 'sign';
  readonly name: string;
  readonly sizeBytes: number;
  readonly digests: DigestSet;
}

/** What a caller asks for: the daemon digests the executable itself. */
export type RequestedAction = ExecuteRequest | ToolAction;

/** What is sealed: `digests` are those the daemon measured of the file at `executable`. */
export interface ExecuteAction extends ExecuteRequest {
  readonly digests: DigestSet;
}

export type Action = ExecuteAction | ToolAction | SignAction;

const executeShape = {
  type: z.literal('execute'),
  executable: exactTextSchema,
  argv: z.array(exactTextSchema).min(1).readonly(),
  cwd: exactTextSchema,
  environmentDigest: sha3HexSchema,
};

/** In a statement, arguments lie in four objects: one more than in a request. What was sealed must be readable. */
const maxArgumentsDepth = maxDepth - 4;

const argumentsSchema = z
  .custom<JsonObject>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'must be an object',
  )
  .refine((value) => depthOf(value) <= maxArgumentsDepth, `must be nested at most ${maxArgumentsDepth} deep`);

function depthOf(value: JsonValue): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Object.values(value).reduce((deepest: number, item) => Math.max(deepest, depthOf(item)), 0);
}

const toolSchema = z.strictObject({
  type: z.literal('tool'),
  tool: z.string().min(1).max(256),
  arguments: argumentsSchema,
});

export const signActionSchema = z.strictObject({
  type: z.literal('sign'),
  name: z.string().min(1).max(4096),
  sizeBytes: z.int().nonnegative(),
  digests: digestSetSchema,
});

export const executeActionSchema = z.strictObject({ ...executeShape, digests: digestSetSchema });

export const requestedActionSchema: z.ZodType<RequestedAction> = z.discriminatedUnion('type', [
  z.strictObject(executeShape),
  toolSchema,
]);

export const actionSchema: z.ZodType<Action> = z.discriminatedUnion('type', [
  executeActionSchema,
  toolSchema,
  signActionSchema,
]);
