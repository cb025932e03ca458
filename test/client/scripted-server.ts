/** A Unix socket server whose answers a test writes by hand: for daemons that are late, wrong, or not ours at all. */

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A request as it arrived. */
export interface Received {
  readonly id: number;
  readonly method: string;
  readonly params: unknown;
}

export interface ScriptedServer {
  readonly socketPath: string;
  readonly received: readonly Received[];
  stop(): Promise<void>;
}

/** Calls `script` for each request; it answers by writing to the socket, now or later or never. */
export async function startScriptedServer(
  script: (request: Received, socket: Socket) => void,
): Promise<ScriptedServer> {
  const directory = await mkdtemp(join(tmpdir(), 'writ-client-'));
  const socketPath = join(directory, 'writ.sock');
  const received: Received[] = [];
  const sockets = new Set<Socket>();
  // As the daemon: a client that has sent its last request still reads the answers.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    let text = '';
    socket.on('error', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      const lines = `${text}${chunk.toString('utf8')}`.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) {
        const request: Received = JSON.parse(line);
        received.push(request);
        script(request, socket);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return {
    socketPath,
    received,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The line of a successful answer. */
export function resultLine(id: number, result: unknown): string {
  return `${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`;
}

/** The line of a refused request. */
export function errorLine(id: number | null, code: number, dataCode: string, message: string): string {
  return `${JSON.stringify({ jsonrpc: '2.0', id, error: { code, message, data: { code: dataCode } } })}\n`;
}
