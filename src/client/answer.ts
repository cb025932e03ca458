/** One line from the daemon -> the result, the error or the notification that it carries (JSON-RPC 2.0 sections 4.1 and 5). */

import { z } from 'zod';
import { type PlainCode, plainCodes } from '../format/denial.js';
import { type Notification, type NotificationMethod, notificationSchemas } from '../format/notification.js';
import { firstIssue } from '../format/statement.js';
import { parseJsonBytes } from '../format/strict-json.js';
import { WritRpcError } from './errors.js';

/**
 * An error's id is null where the daemon could not read the one of the request. A notification is null where it is one that this
 * version does not know.
 */
export type Answer =
  | { readonly answer: 'result'; readonly id: number; readonly result: unknown }
  | { readonly answer: 'error'; readonly id: number | null; readonly error: WritRpcError }
  | { readonly answer: 'notification'; readonly notification: Notification | null };

const jsonrpc = z.literal('2.0');
const errorSchema = z.object({
  code: z.int(),
  message: z.string(),
  data: z.object({ code: z.enum(plainCodes) satisfies z.ZodType<PlainCode> }),
});
const answerSchema = z.union([
  z.object({ jsonrpc, id: z.int(), result: z.unknown().refine((result) => result !== undefined) }),
  z.object({ jsonrpc, id: z.int().nullable(), error: errorSchema }),
  z.object({ jsonrpc, id: z.undefined().optional(), method: z.string(), params: z.unknown() }),
]);

/** Reads a line. Throws JsonFaultError or SyntaxError for what is neither answer nor notification. */
export function parseAnswer(line: Uint8Array): Answer {
  const parsed = answerSchema.safeParse(parseJsonBytes(line));
  if (!parsed.success) throw new SyntaxError(`not a JSON-RPC answer: ${firstIssue(parsed.error)}`);
  if ('result' in parsed.data) return { answer: 'result', id: parsed.data.id, result: parsed.data.result };
  if ('method' in parsed.data) {
    const { method, params } = parsed.data;
    return { answer: 'notification', notification: notificationOf(method, params) };
  }
  const { id, error } = parsed.data;
  return { answer: 'error', id, error: new WritRpcError(error.code, error.data.code, error.message) };
}

function notificationOf(method: string, params: unknown): Notification | null {
  return isKnown(method) ? notificationOfKind(method, params) : null;
}

function notificationOfKind<N extends NotificationMethod>(method: N, params: unknown): Notification {
  const parsed = notificationSchemas[method].safeParse(params);
  if (!parsed.success) throw new SyntaxError(`not a notification ${method}: ${firstIssue(parsed.error)}`);
  // The schemas are listed by method, so these parameters are of this one: more than the compiler can see.
  return { method, params: parsed.data } as Notification;
}

function isKnown(method: string): method is NotificationMethod {
  return Object.hasOwn(notificationSchemas, method);
}
