/**
 * JSON-RPC 2.0 over one Unix socket, pipelined: requests go out as they come, answers may come back in any order.
 * Anything on the socket that is not the protocol ends the connection, because whose answer it was cannot be told.
 */

import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { LineSplitter } from '../format/line-splitter.js';
import type { Notification } from '../format/notification.js';
import { type Method, maxLineBytes, rpcErrorCodes } from '../format/protocol.js';
import { type Answer, parseAnswer } from './answer.js';
import { WritForeignAnswerError, WritRpcError, WritUnavailableError } from './errors.js';

/** `timeoutMs` replaces the connection's own; `signal` gives up waiting, and rejects with its reason. */
export interface CallOptions {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ConnectionOptions {
  readonly socketPath: string;
  /** For connecting, and for each call that names no other. */
  readonly timeoutMs: number;
  /** Gives up connecting. */
  readonly signal?: AbortSignal | undefined;
  /** Takes what the daemon says unasked, in the order in which it came. */
  readonly onNotification?: ((notification: Notification) => void) | undefined;
}

/** The daemon's default bound on one connection; further calls wait here. */
const maxInFlight = 256;

/** `caller` is null once nobody waits any more: the daemon still owes the answer, so the id stays in use. */
interface Call {
  readonly id: number;
  readonly line: string;
  caller: { resolve(result: unknown): void; reject(cause: unknown): void } | null;
}

export class RpcConnection {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #lines = new LineSplitter(maxLineBytes);
  readonly #inFlight = new Map<number, Call>();
  readonly #waiting = new Set<Call>();
  /** Settles when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>;
  #ending: Error | null = null;
  #nextId = 1;

  private constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (cause) => this.#fail(lostError(cause)));
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#fail(lostError(this.#lines.restBytes > 0 ? 'in the middle of an answer' : null));
        resolve();
      });
    });
  }

  /** Connects. Rejects with WritUnavailableError, whose sentence says what to do, or with the signal's reason. */
  static open(options: ConnectionOptions): Promise<RpcConnection> {
    const { socketPath, timeoutMs, signal } = options;
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const socket = connect(socketPath);
      const settle = (finish: () => void) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        socket.removeAllListeners();
        finish();
      };
      const giveUp = (cause: unknown) =>
        settle(() => {
          socket.destroy();
          reject(cause);
        });
      const abort = () => giveUp(signal?.reason);
      const timer = setTimeout(() => giveUp(connectTimeout(socketPath, timeoutMs)), timeoutMs);
      signal?.addEventListener('abort', abort, { once: true });
      socket.once('error', (cause) => giveUp(unreachableError(socketPath, cause)));
      socket.once('connect', () => settle(() => resolve(new RpcConnection(socket, options))));
    });
  }

  /**
   * Sends one request and returns the `result` of its answer, unchecked. Rejects with WritRpcError for an error answer
   * or a request too long to send, WritUnavailableError, WritForeignAnswerError, or the signal's reason.
   */
  call(method: Method, params: unknown, { timeoutMs, signal }: CallOptions = {}): Promise<unknown> {
    if (this.#ending !== null) return Promise.reject(this.#ending);
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    const id = this.#nextId++;
    const line = JSON.stringify({ jsonrpc: '2.0', id, method, params });
    if (Buffer.byteLength(line) > maxLineBytes) return Promise.reject(tooLargeError(method));
    const limitMs = timeoutMs ?? this.#options.timeoutMs;
    return new Promise((resolve, reject) => {
      const call: Call = { id, line, caller: null };
      const timer = setTimeout(() => this.#abandon(call, callTimeout(method, limitMs)), limitMs);
      const abort = () => this.#abandon(call, signal?.reason);
      signal?.addEventListener('abort', abort, { once: true });
      const finish = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        call.caller = null;
      };
      call.caller = {
        resolve: (result) => {
          finish();
          resolve(result);
        },
        reject: (cause) => {
          finish();
          reject(cause);
        },
      };
      this.#waiting.add(call);
      this.#send(call);
    });
  }

  /** Takes no more calls, waits for the answers still due (at most the connection's timeout), and closes. */
  async close(): Promise<void> {
    this.#ending ??= new WritUnavailableError('closed', 'this client was closed');
    if (this.#waiting.size === 0) this.#socket.end();
    const patience = new AbortController();
    const expired = sleep(this.#options.timeoutMs, undefined, { signal: patience.signal }).then(
      () => this.#socket.destroy(),
      () => undefined,
    );
    await this.closed;
    patience.abort();
    await expired;
  }

  #send(call: Call): void {
    if (this.#inFlight.size >= maxInFlight) return;
    this.#waiting.delete(call);
    this.#inFlight.set(call.id, call);
    this.#socket.write(`${call.line}\n`);
  }

  #receive(chunk: Uint8Array): void {
    try {
      for (const line of this.#lines.push(chunk)) {
        if (line.line === 'tooLong') throw new RangeError(`an answer is longer than ${maxLineBytes} bytes`);
        this.#take(parseAnswer(line.bytes));
      }
    } catch (cause) {
      const what = cause instanceof Error ? cause.message : String(cause);
      this.#fail(new WritForeignAnswerError(null, what, { cause }));
      this.#socket.destroy();
    }
  }

  #take(answer: Answer): void {
    if (answer.answer !== 'notification') this.#settle(answer);
    else if (answer.notification !== null) this.#options.onNotification?.(answer.notification);
  }

  #settle(answer: Exclude<Answer, { answer: 'notification' }>): void {
    const call = answer.id === null ? undefined : this.#inFlight.get(answer.id);
    if (call === undefined || answer.id === null) {
      const about = answer.answer === 'error' ? ` (${answer.error.message})` : '';
      throw new Error(`it answers no request that is in flight${about}`);
    }
    this.#inFlight.delete(answer.id);
    if (answer.answer === 'result') call.caller?.resolve(answer.result);
    else call.caller?.reject(answer.error);
    this.#sendWaiting();
  }

  #sendWaiting(): void {
    for (const call of this.#waiting) {
      if (this.#inFlight.size >= maxInFlight) return;
      this.#send(call);
    }
    if (this.#ending !== null && this.#waiting.size === 0) this.#socket.end();
  }

  #abandon(call: Call, cause: unknown): void {
    this.#waiting.delete(call);
    call.caller?.reject(cause);
  }

  /** Ends every call; the first reason is the one that later calls are told too. */
  #fail(cause: Error): void {
    this.#ending ??= cause;
    for (const call of [...this.#inFlight.values(), ...this.#waiting]) call.caller?.reject(cause);
    this.#inFlight.clear();
    this.#waiting.clear();
  }
}

function connectTimeout(socketPath: string, timeoutMs: number): WritUnavailableError {
  return new WritUnavailableError(
    'unreachable',
    `the socket ${socketPath} took no connection within ${timeoutMs} ms; the daemon is overloaded or stopped`,
  );
}

function callTimeout(method: Method, timeoutMs: number): WritUnavailableError {
  return new WritUnavailableError(
    'timeout',
    `the daemon did not answer ${method} within ${timeoutMs} ms; whether it decided is not known`,
  );
}

function lostError(why: unknown): WritUnavailableError {
  const detail = why instanceof Error ? ` (${why.message})` : typeof why === 'string' ? ` ${why}` : '';
  return new WritUnavailableError(
    'lost',
    `the connection to the daemon ended${detail}; whether it decided what was still asked is not known`,
    { cause: why },
  );
}

function tooLargeError(method: Method): WritRpcError {
  return new WritRpcError(
    rpcErrorCodes.tooLarge,
    'TOO_LARGE',
    `the request (${method}) would be a line of more than ${maxLineBytes} bytes and was not sent; make it smaller`,
  );
}

/** A sentence for each way in which a Unix socket can be out of reach (connect(2)). */
function unreachableError(socketPath: string, cause: NodeJS.ErrnoException): WritUnavailableError {
  const sentence = (): string => {
    switch (cause.code) {
      case 'ENOENT':
        return `no daemon listens at ${socketPath}: there is no such socket. Start writd, or name its socket (--socket, WRIT_SOCKET)`;
      case 'ECONNREFUSED':
        return `no daemon listens at ${socketPath} any more: it has ended. Start writd again`;
      case 'EACCES':
        return `this user may not use the socket ${socketPath}. Join the group that owns it`;
      default:
        return `the socket ${socketPath} cannot be used: ${cause.message}`;
    }
  };
  return new WritUnavailableError('unreachable', sentence(), { cause });
}
