/** What can go wrong between a client and the daemon. A denial is none of these: it is a result. */

import type { PlainCode } from '../format/denial.js';
import type { Method } from '../format/protocol.js';

/**
 * `unreachable`: nothing was sent. `lost`, `timeout`: the request may have been decided all the same; asking for the
 * status of the artifact, or redeeming again with the same nonce, tells. `closed`: this client was closed.
 */
export type UnavailableReason = 'unreachable' | 'lost' | 'timeout' | 'closed';

/** No answer could be had. */
export class WritUnavailableError extends Error {
  readonly reason: UnavailableReason;
  constructor(reason: UnavailableReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'WritUnavailableError';
    this.reason = reason;
  }
}

/** The daemon (or, for a request too long to send, the client itself) refused the bytes of a request. */
export class WritRpcError extends Error {
  /** The JSON-RPC 2.0 code. */
  readonly code: number;
  readonly dataCode: PlainCode;
  constructor(code: number, dataCode: PlainCode, message: string) {
    super(message);
    this.name = 'WritRpcError';
    this.code = code;
    this.dataCode = dataCode;
  }
}

/** An answer that is not about the request it claims to answer, or not from a log that the client trusts. Use nothing of it. */
export class WritForeignAnswerError extends Error {
  /** The method that was asked; null where the bytes belong to no request at all. */
  readonly method: Method | null;
  constructor(method: Method | null, what: string, options?: ErrorOptions) {
    const subject = method === null ? 'what the socket sent' : `the answer to ${method}`;
    super(`${subject} cannot be used: ${what}`, options);
    this.name = 'WritForeignAnswerError';
    this.method = method;
  }
}
