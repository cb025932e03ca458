/** Stage 8: a result or a fault -> one JSON-RPC line. */

import { type Denied, maxLineBytes, rpcErrorCodes } from '../../format/protocol.js';
import type { RequestId, RpcFault } from './parse.js';

/** A result whose JSON text was put together from parts that need no escapes; it holds ASCII alone. */
export class RenderedResult {
  readonly json: string;

  constructor(json: string) {
    this.json = json;
  }
}

/** The answer of a method that grants: a GrantResult, of which what is granted was put together as text. */
export type Granted = RenderedResult | Denied;

/**
 * The line that answers a request, newline included. Statements are bounded so that a grant always fits; another
 * answer that does not (a large policy bundle) becomes the fault TOO_LARGE, because nobody could read it.
 */
export function resultLine(id: RequestId, result: unknown): string {
  const json = result instanceof RenderedResult ? result.json : JSON.stringify(result);
  const line = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${json}}`;
  if (fits(line)) return `${line}\n`;
  const message = `the answer is longer than ${maxLineBytes} bytes`;
  return faultLine({ id, rpcCode: rpcErrorCodes.tooLarge, code: 'TOO_LARGE', message });
}

/** The line that answers what is no valid request, newline included. */
export function faultLine({ id, rpcCode, code, message }: RpcFault): string {
  return `${JSON.stringify({ jsonrpc: '2.0', id, error: { code: rpcCode, message, data: { code } } })}\n`;
}

/** No character takes more than three bytes, so most lines need not be counted. */
function fits(line: string): boolean {
  return line.length * 3 <= maxLineBytes || Buffer.byteLength(line) <= maxLineBytes;
}
