/** One client's connection: pipelined requests in, answers and notifications out in whatever order they are ready. */

import type { Socket } from 'node:net';
import { LineSplitter } from '../format/line-splitter.js';
import { type Notification, notificationLine } from '../format/notification.js';
import { maxLineBytes, rpcErrorCodes } from '../format/protocol.js';
import { parseLine, type Request, type RequestId, type RpcFault, tooLargeFault } from './pipeline/parse.js';
import { faultLine, resultLine } from './pipeline/reply.js';

/** The way to say something to a client unasked, for as long as it is connected. */
export interface Push {
  /** Sends it behind the answers that are ready. To a client that is gone it is said in vain. */
  notify(notification: Notification): void;
  /** What the client has not read yet. Whoever sends without end looks at it, and hangs up on clients that do not read. */
  readonly unreadBytes: number;
  /** Ends the connection at once. */
  hangUp(): void;
}

export interface ConnectionParts {
  readonly socket: Socket;
  readonly maxInFlight: number;
  /** Answers one request; a rejection is a fault of the daemon itself. */
  readonly answer: (request: Request) => Promise<unknown>;
  readonly onFault: (fault: RpcFault) => void;
  readonly onFatal: (cause: unknown) => void;
  readonly onClose: () => void;
}

/** How long a client may take to read its last answers. */
const lastReadTimeoutMs = 5000;

export class Connection implements Push {
  readonly #parts: ConnectionParts;
  readonly #splitter = new LineSplitter(maxLineBytes);
  readonly #inFlight = new Set<RequestId>();
  /** Answers on their way out: those that are ready in one turn leave in one write. */
  #outgoing = '';
  #draining = false;
  #lastRead: NodeJS.Timeout | null = null;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    const { socket } = parts;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    // The client may close its half first and still read the answers to what it asked.
    socket.on('end', () => this.drain());
    socket.on('drain', () => {
      if (!this.#draining) socket.resume();
    });
    // A broken connection ends only itself; `close` follows.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      if (this.#lastRead !== null) clearTimeout(this.#lastRead);
      parts.onClose();
    });
  }

  /** Takes no more requests, answers those in flight, then closes: at the latest when the client does not read them. */
  drain(): void {
    this.#draining = true;
    this.#parts.socket.pause();
    this.#endIfIdle();
  }

  notify(notification: Notification): void {
    if (!this.#parts.socket.destroyed) this.#write(notificationLine(notification));
  }

  get unreadBytes(): number {
    return this.#outgoing.length + this.#parts.socket.writableLength;
  }

  hangUp(): void {
    this.#parts.socket.destroy();
  }

  #receive(chunk: Uint8Array): void {
    if (this.#draining) return;
    for (const line of this.#splitter.push(chunk)) {
      if (line.line === 'tooLong') this.#refuse(tooLargeFault());
      else this.#take(line.bytes);
    }
  }

  #take(line: Uint8Array): void {
    const parsed = parseLine(line);
    const fault = parsed.outcome === 'fault' ? parsed.fault : this.#admissionFault(parsed.request.id);
    if (fault !== null) this.#refuse(fault);
    else if (parsed.outcome === 'request') this.#start(parsed.request);
  }

  #start(request: Request): void {
    const { id } = request;
    this.#inFlight.add(id);
    this.#parts
      .answer(request)
      .then((result) => {
        this.#inFlight.delete(id);
        this.#write(resultLine(id, result));
        if (this.#draining) this.#endIfIdle();
      })
      .catch(this.#parts.onFatal);
  }

  /** Why a well-formed request is not taken now, or null. */
  #admissionFault(id: RequestId): RpcFault | null {
    if (this.#inFlight.has(id)) {
      const message = 'a request with this id is still in flight';
      return { id, rpcCode: rpcErrorCodes.invalidRequest, code: 'MALFORMED', message };
    }
    if (this.#inFlight.size < this.#parts.maxInFlight) return null;
    const message = `at most ${this.#parts.maxInFlight} requests may be in flight on one connection`;
    return { id, rpcCode: rpcErrorCodes.overloaded, code: 'OVERLOADED', message };
  }

  #refuse(fault: RpcFault): void {
    this.#parts.onFault(fault);
    this.#write(faultLine(fault));
  }

  #write(line: string): void {
    if (this.#outgoing === '') process.nextTick(() => this.#send());
    this.#outgoing += line;
  }

  #send(): void {
    const { socket } = this.#parts;
    const lines = this.#outgoing;
    this.#outgoing = '';
    if (lines === '' || !socket.writable) return;
    // A client that does not read its answers is not read from either.
    if (!socket.write(lines)) socket.pause();
  }

  #endIfIdle(): void {
    const { socket } = this.#parts;
    if (this.#inFlight.size > 0) return;
    this.#send();
    socket.end(() => socket.destroy());
    this.#lastRead ??= setTimeout(() => socket.destroy(), lastReadTimeoutMs);
  }
}
