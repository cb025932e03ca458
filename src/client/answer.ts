/** One line from the daemon -> the result or the error that it carries (JSON-RPC 2.0 section 5). */

import { z } from 'zod';
import { type PlainCode, plainCodes } from '../format/denial.js';
import { firstIssue } from '../format/statement.js';
import { parseJsonBytes } from '../format/strict-json.js';
import { WritRpcError } from './errors.js';

/** An error's id is null where the daemon could not read the one of the request. */
export type Answer =
  | { readonly answer: 'result'; readonly id: number; readonly result: unknown }
  | { readonly answer: 'error'; readonly id: number | null; readonly error: WritRpcError };

const jsonrpc = z.literal('2.0');
const errorSchema = z.object({
  code: z.int(),
  message: z.string(),
  data: z.object({ code: z.enum(plainCodes) satisfies z.ZodType<PlainCode> }),
});
const answerSchema = z.union([
  z.object({ jsonrpc, id: z.int(), result: z.unknown().refine((result) => result !== undefined) }),
  z.object({ jsonrpc, id: z.int().nullable(), error: errorSchema }),
]);

/** Reads a line. Throws JsonFaultError or SyntaxError for what is no answer. */
export function parseAnswer(line: Uint8Array): Answer {
  const parsed = answerSchema.safeParse(parseJsonBytes(line));
  if (!parsed.success) throw new SyntaxError(`not a JSON-RPC answer: ${firstIssue(parsed.error)}`);
  if ('result' in parsed.data) return { answer: 'result', id: parsed.data.id, result: parsed.data.result };
  const { id, error } = parsed.data;
  return { answer: 'error', id, error: new WritRpcError(error.code, error.data.code, error.message) };
}
