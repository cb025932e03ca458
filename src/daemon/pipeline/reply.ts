/** Stage 8: a result or a fault -> one JSON-RPC line. */

import { maxLineBytes } from '../../format/protocol.js';
import type { RequestId, RpcFault } from './parse.js';

/** The line that answers a request, newline included. */
export function resultLine(id: RequestId, result: unknown): string {
  const line = JSON.stringify({ jsonrpc: '2.0', id, result });
  // Statements are bounded so that this holds; an answer that nobody could read back would be worse than none.
  if (Buffer.byteLength(line) > maxLineBytes)
    throw new RangeError(`the answer to request ${id} exceeds a line`);
  return `${line}\n`;
}

/** The line that answers what is no valid request, newline included. */
export function faultLine({ id, rpcCode, code, message }: RpcFault): string {
  return `${JSON.stringify({ jsonrpc: '2.0', id, error: { code: rpcCode, message, data: { code } } })}\n`;
}
