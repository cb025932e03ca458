// Real peers for the tests of identity: processes that connect to a Unix socket of this one.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { socketDescriptor } from '../../src/kernel/socket-descriptor.js';

/** A peer that was accepted: its process as we started it, and our end of its connection. */
export interface AcceptedPeer {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly socket: Socket;
  readonly descriptor: number;
}

/** Connects, waits for a line on standard input, then does what the `then` part says. */
const connectScript = `
import os, socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
os.set_inheritable(peer.fileno(), True)
sys.stdin.readline()
`;

/** What a peer does after its line on standard input. */
export const peerActs = {
  /** Goes on as another program, with the connection open. */
  execSleep: "os.execv('/bin/sleep', ['sleep', '60'])",
  /** Leaves the connection to a child and ends; the child ends when the connection is closed. */
  leaveToChild: 'sys.exit() if os.fork() else peer.recv(1)',
} as const;

/** A listening socket in a directory of its own, which anybody may reach. */
export class PeerServer {
  readonly #directory = mkdtempSync(join(tmpdir(), 'writ-peers-'));
  readonly #server: Server = createServer();
  readonly #children: ChildProcess[] = [];
  readonly #sockets: Socket[] = [];

  get directory(): string {
    return this.#directory;
  }

  async listen(): Promise<void> {
    const path = join(this.#directory, 'socket');
    this.#server.listen(path);
    await once(this.#server, 'listening');
    chmodSync(this.#directory, 0o755);
    chmodSync(path, 0o777);
  }

  /** Starts `python`, behind a command such as setpriv if one is given, and accepts its connection. */
  async accept(
    act: string,
    { launcher = [], python = '/usr/bin/python3' }: { launcher?: readonly string[]; python?: string } = {},
  ): Promise<AcceptedPeer> {
    const path = join(this.#directory, 'socket');
    const [command = python, ...rest] = [...launcher, python, '-S', '-c', connectScript + act, path];
    const child = spawn(command, rest, {
      stdio: ['pipe', 'inherit', 'inherit'],
      cwd: '/',
      env: { PYTHONHOME: '/usr' },
    });
    this.#children.push(child);
    const [socket]: Socket[] = await once(this.#server, 'connection');
    assert.ok(socket !== undefined && child.pid !== undefined);
    this.#sockets.push(socket);
    const descriptor = socketDescriptor(socket);
    assert.ok(descriptor !== null);
    return { child, pid: child.pid, socket, descriptor };
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    for (const child of this.#children) child.kill('SIGKILL');
    this.#server.close();
    rmSync(this.#directory, { recursive: true });
  }
}

/** Ends the wait of a peer's script. */
export function tellToAct({ child }: AcceptedPeer): void {
  assert.ok(child.stdin !== null);
  child.stdin.write('now\n');
}
