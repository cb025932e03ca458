/** One connection of the generator: bytes out in few writes, bytes in through one buffer that all connections share. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Requests } from './requests.js';

/** Reads never overlap, and what a read brought is used up before the next; so one buffer serves all. */
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024);

export interface LoadConnection {
  /** Writes the next `count` requests in one write; `next` gives their ids and positions. */
  send(requests: Requests, count: number, next: NextRequest): void;
  close(): void;
}

/** Called for each request as it is written. */
export type NextRequest = () => { readonly id: number; readonly position: number };

export interface ConnectionHandlers {
  /** `bytes` is good only during the call. */
  onBytes(bytes: Buffer): void;
  onEnd(reason: string): void;
}

/** Connects to a Unix socket. Rejects when nobody listens. */
export async function openConnection(path: string, handlers: ConnectionHandlers): Promise<LoadConnection> {
  let closing = false;
  const socket: Socket = connect({
    path,
    onread: {
      buffer: readBuffer,
      callback: (sizeBytes) => {
        handlers.onBytes(readBuffer.subarray(0, sizeBytes));
        return true;
      },
    },
  });
  await once(socket, 'connect');
  const ended = (reason: string): void => {
    if (!closing) handlers.onEnd(reason);
  };
  socket.on('error', (cause) => ended(cause.message));
  socket.on('close', () => ended('the daemon closed a connection'));
  let room = Buffer.allocUnsafeSlow(0);
  return {
    send(requests, count, next) {
      const { sizeBytes } = requests;
      const neededBytes = count * sizeBytes;
      // What the kernel has not taken yet must stay as it is.
      if (socket.writableLength > 0 || room.length < neededBytes)
        room = Buffer.allocUnsafeSlow(Math.max(neededBytes, 8 * sizeBytes));
      for (let offset = 0; offset < neededBytes; offset += sizeBytes) {
        const { id, position } = next();
        requests.write(room, offset, id, position);
      }
      socket.write(room.subarray(0, neededBytes));
    },
    close() {
      closing = true;
      socket.destroy();
    },
  };
}
