/** The Unix socket: who may connect, how many, and what becomes of them when the daemon stops. */

import { existsSync } from 'node:fs';
import { chmod, chown, lstat, readFile, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { Connection, type Push } from './connection.js';
import type { Request, RpcFault } from './pipeline/parse.js';
import { StartError } from './start-error.js';

/** What is known of one connection from the moment it was made. */
export interface Session {
  /** Answers one of its requests. */
  answer(request: Request): Promise<unknown>;
  /** For the log: who is at the other end. */
  readonly peerName: string;
  /** Frees what identification holds. */
  close(): void;
}

export interface ServerParts {
  readonly path: string;
  readonly mode: number;
  /** Name of the group that owns the socket, or null for the daemon's own. */
  readonly group: string | null;
  readonly maxConnections: number;
  readonly maxInFlight: number;
  /** Identifies the peer of an accepted socket. Throws when it cannot be identified: then it is not served. */
  readonly openSession: (socket: Socket, push: Push) => Session;
  readonly onFault: (peerName: string, fault: RpcFault) => void;
  readonly onUnidentified: (cause: unknown) => void;
  readonly onFatal: (cause: unknown) => void;
}

export class SocketServer {
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  #onDrained: (() => void) | null = null;

  private constructor(server: Server) {
    this.#server = server;
  }

  /**
   * Listens. The caller holds the state lock, so a socket that is in the way is a leftover and is removed. Throws
   * StartError for anything else at that path, for a missing directory, and for a group that does not exist.
   */
  static async listen(parts: ServerParts): Promise<SocketServer> {
    await clearPath(parts.path);
    const server = createServer({ allowHalfOpen: true });
    const listening = new SocketServer(server);
    server.maxConnections = parts.maxConnections;
    server.on('connection', (socket) => listening.#accept(socket, parts));
    const before = process.umask(0o177);
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(parts.path, resolve);
      });
    } finally {
      process.umask(before);
    }
    server.removeAllListeners('error');
    server.on('error', parts.onFatal);
    if (parts.group !== null) await chown(parts.path, process.getuid?.() ?? 0, await groupId(parts.group));
    await chmod(parts.path, parts.mode);
    return listening;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Stops listening, answers what is in flight, and returns when every connection is closed. */
  async close(): Promise<void> {
    this.#server.close();
    for (const connection of this.#connections) connection.drain();
    if (this.#connections.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve;
    });
  }

  #accept(socket: Socket, parts: ServerParts): void {
    let session: Session;
    let connection: Connection | null = null;
    const push: Push = {
      notify: (notification) => connection?.notify(notification),
      get unreadBytes() {
        return connection?.unreadBytes ?? 0;
      },
      hangUp: () => socket.destroy(),
    };
    try {
      session = parts.openSession(socket, push);
    } catch (cause) {
      parts.onUnidentified(cause);
      socket.destroy();
      return;
    }
    const opened = new Connection({
      socket,
      maxInFlight: parts.maxInFlight,
      answer: (request) => session.answer(request),
      onFault: (fault) => parts.onFault(session.peerName, fault),
      onFatal: parts.onFatal,
      onClose: () => {
        session.close();
        this.#connections.delete(opened);
        if (this.#connections.size === 0) this.#onDrained?.();
      },
    });
    connection = opened;
    this.#connections.add(opened);
  }
}

/** Makes room for the socket, but never at the cost of a file that is none. */
async function clearPath(path: string): Promise<void> {
  try {
    if (!(await lstat(path)).isSocket()) {
      throw new StartError(
        `${path} is a file and no socket; remove it, or change socket.path in the configuration`,
      );
    }
    await rm(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
  }
  if (!existsSync(dirname(path))) {
    throw new StartError(
      `the directory ${dirname(path)} for the socket does not exist; make it, or change socket.path`,
    );
  }
}

/** Id of a group by name (group(5)). Throws when there is none. */
async function groupId(name: string): Promise<number> {
  const lines = (await readFile('/etc/group', 'utf8')).split('\n');
  const id = lines.map((line) => line.split(':')).find(([group]) => group === name)?.[2];
  if (id === undefined)
    throw new StartError(`there is no group ${name}; create it or change socket.group in the configuration`);
  return Number(id);
}
