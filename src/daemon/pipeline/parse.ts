/**
 * Stage 1: bytes of one line -> a request, or the JSON-RPC error that answers it. Every cause has a sentence of its own.
 */

import type { PlainCode } from '../../format/denial.js';
import {
  type Method,
  type Methods,
  maxLineBytes,
  paramsSchemas,
  rpcErrorCodes,
} from '../../format/protocol.js';
import { firstIssue } from '../../format/statement.js';
import { JsonFaultError, type JsonObject, type JsonValue, parseJsonBytes } from '../../format/strict-json.js';

/** A JSON-RPC id: a string of at most 128 characters, or an integer. */
export type RequestId = string | number;

/** A request whose parameters fit its method's closed schema. `params` is exactly what was asked: no defaults are added. */
export type Request = {
  readonly [M in Method]: {
    readonly id: RequestId;
    readonly method: M;
    readonly params: Methods[M]['params'];
  };
}[Method];

/** What is wrong with a line; `id` is null where none could be read. */
export interface RpcFault {
  readonly id: RequestId | null;
  readonly rpcCode: number;
  readonly code: Extract<PlainCode, 'MALFORMED' | 'TOO_LARGE' | 'OVERLOADED'>;
  readonly message: string;
}

export type Parsed =
  | { readonly outcome: 'request'; readonly request: Request }
  | { readonly outcome: 'fault'; readonly fault: RpcFault };

const knownFields = new Set(['jsonrpc', 'id', 'method', 'params']);

/** Reads one line, without its newline. Never throws. */
export function parseLine(line: Uint8Array): Parsed {
  if (line.length > maxLineBytes) return fault(tooLargeFault());
  let document: JsonValue;
  try {
    document = parseJsonBytes(line);
  } catch (cause) {
    if (!(cause instanceof JsonFaultError)) throw cause;
    return malformed(null, rpcErrorCodes.parse, cause.message);
  }
  if (Array.isArray(document))
    return malformed(null, rpcErrorCodes.invalidRequest, 'batches are not supported');
  if (typeof document !== 'object' || document === null) {
    return malformed(null, rpcErrorCodes.invalidRequest, 'a request is a JSON object');
  }
  return parseMessage(document as JsonObject);
}

/** The fault of a line that exceeds `maxLineBytes`, whose content nobody read. */
export function tooLargeFault(): RpcFault {
  return {
    id: null,
    rpcCode: rpcErrorCodes.tooLarge,
    code: 'TOO_LARGE',
    message: `the line is longer than ${maxLineBytes} bytes`,
  };
}

function parseMessage(message: JsonObject): Parsed {
  const { jsonrpc, id, method, params } = message;
  const { invalidRequest, methodNotFound, invalidParams } = rpcErrorCodes;
  if (id === undefined)
    return malformed(null, invalidRequest, 'notifications are not supported: the request has no id');
  if (id === null) return malformed(null, invalidRequest, 'the id must not be null');
  if (!isRequestId(id)) {
    return malformed(null, invalidRequest, 'the id must be an integer or a string of at most 128 characters');
  }
  if (jsonrpc !== '2.0') return malformed(id, invalidRequest, 'the field jsonrpc must be "2.0"');
  const unknown = Object.keys(message).find((field) => !knownFields.has(field));
  if (unknown !== undefined)
    return malformed(id, invalidRequest, `the request has an unknown field ${quoted(unknown)}`);
  if (typeof method !== 'string') return malformed(id, invalidRequest, 'the method must be a string');
  if (!isMethod(method)) return malformed(id, methodNotFound, `there is no method ${quoted(method)}`);
  const parsed = paramsSchemas[method].safeParse(params ?? {});
  if (!parsed.success)
    return malformed(id, invalidParams, `in the parameters of ${method}: ${firstIssue(parsed.error)}`);
  return { outcome: 'request', request: { id, method, params: parsed.data } as Request };
}

function isRequestId(id: JsonValue): id is RequestId {
  return typeof id === 'string' ? id.length <= 128 : Number.isSafeInteger(id);
}

function isMethod(method: string): method is Method {
  return Object.hasOwn(paramsSchemas, method);
}

/** Foreign text in an error message, short and on one line. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}...` : text);
}

function malformed(id: RequestId | null, rpcCode: number, message: string): Parsed {
  return fault({ id, rpcCode, code: 'MALFORMED', message });
}

function fault(reason: RpcFault): Parsed {
  return { outcome: 'fault', fault: reason };
}
