/** Stage 8: a result or a fault -> one JSON-RPC line. */

import { maxLineBytes, rpcErrorCodes } from '../../format/protocol.js';
import type { RequestId, RpcFault } from './parse.js';

/**
 * The line that answers a request, newline included. Statements are bounded so that a grant always fits; another
 * answer that does not (a large policy bundle) becomes the fault TOO_LARGE, because nobody could read it.
 */
export function resultLine(id: RequestId, result: unknown): string {
  const line = JSON.stringify({ jsonrpc: '2.0', id, result });
  if (Buffer.byteLength(line) <= maxLineBytes) return `${line}\n`;
  const message = `the answer is longer than ${maxLineBytes} bytes`;
  return faultLine({ id, rpcCode: rpcErrorCodes.tooLarge, code: 'TOO_LARGE', message });
}

/** The line that answers what is no valid request, newline included. */
export function faultLine({ id, rpcCode, code, message }: RpcFault): string {
  return `${JSON.stringify({ jsonrpc: '2.0', id, error: { code: rpcCode, message, data: { code } } })}\n`;
}
