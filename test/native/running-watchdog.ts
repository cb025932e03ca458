/** The watchdog as a service: a process of its own with a socket, and clients of it that say whatever a test wants. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../../native/build/Release/writ-watchdog', import.meta.url));

/** The directory where `/proc/PID/cgroup` paths of the unified hierarchy are found; null where none is mounted. */
export function cgroupMount(): string | null {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
  return /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(mounts)?.[1] ?? null;
}

/** Whether the watchdog keeps a group for a daemon of this name. */
export function hasGroup(name: string): boolean {
  return existsSync(join(cgroupMount() ?? assert.fail('no cgroup2'), `writ-${name}`));
}

/** Settles once that group is removed; who waits bounds it. */
export async function groupRemoved(name: string): Promise<void> {
  while (hasGroup(name)) await pause(5);
}

export class RunningWatchdog {
  readonly #child: ChildProcess;
  readonly #directory: string;
  #complaints = '';

  private constructor(child: ChildProcess, directory: string) {
    this.#child = child;
    this.#directory = directory;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints += text;
    });
  }

  /**
   * Starts one that serves daemons of `daemonUid`; settles when it listens.
   * @param uid whom it runs as itself
   */
  static async start(daemonUid: number, uid = 0): Promise<RunningWatchdog> {
    const directory = mkdtempSync(join(tmpdir(), 'writ-watchdog-'));
    // Whoever comes may reach the socket, and be turned away by that. Another user's watchdog must be able to make it.
    chmodSync(directory, uid === 0 ? 0o755 : 0o777);
    const path = join(directory, 'socket');
    const child = spawn(program, ['--socket', path, '--uid', String(daemonUid)], {
      stdio: ['ignore', 'ignore', 'pipe'],
      cwd: '/',
      ...(uid === 0 ? {} : { uid, gid: uid }),
    });
    const watchdog = new RunningWatchdog(child, directory);
    for (let isListening = false; !isListening; await pause(5)) {
      if (child.exitCode !== null) assert.fail(`it ended: ${watchdog.complaints}`);
      isListening = existsSync(path) && (await watchdog.#accepts());
    }
    return watchdog;
  }

  get socketPath(): string {
    return join(this.#directory, 'socket');
  }

  /** What it wrote to standard error, as a sanitizer does. */
  get complaints(): string {
    return this.#complaints;
  }

  get pid(): number {
    return this.#child.pid ?? assert.fail('it was not started');
  }

  connect(): Promise<WatchdogClient> {
    return WatchdogClient.open(this.socketPath);
  }

  /** SIGTERM; settles with the exit code. */
  async stop(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGTERM');
      await once(this.#child, 'exit');
    }
    rmSync(this.#directory, { recursive: true, force: true });
    return this.#child.exitCode;
  }

  async #accepts(): Promise<boolean> {
    try {
      (await this.connect()).close();
      return true;
    } catch (cause) {
      // Bound, and not listening yet.
      if (cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED') return false;
      throw cause;
    }
  }
}

export class WatchdogClient {
  readonly #socket: Socket;
  readonly #lines: string[] = [];
  #onChange: (() => void) | null = null;
  #ended = false;
  /** Settles when the connection is over. */
  readonly ended: Promise<void>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.ended = new Promise((resolve) => socket.once('close', () => resolve()));
    // A line that it does not take may end the connection before all of it is written; the reader passes that on.
    const ignored = () => {};
    socket.on('error', ignored);
    const lines = createInterface(socket).on('error', ignored);
    lines.on('line', (line) => {
      this.#lines.push(line);
      this.#onChange?.();
    });
    socket.once('close', () => {
      this.#ended = true;
      this.#onChange?.();
    });
  }

  static async open(path: string): Promise<WatchdogClient> {
    const socket = connect(path);
    await once(socket, 'connect');
    return new WatchdogClient(socket);
  }

  send(bytes: string | Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** The next line that it says; null when it hangs up instead. */
  async next(): Promise<string | null> {
    while (this.#lines.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#onChange = resolve;
      });
    }
    return this.#lines.shift() ?? null;
  }

  /** Says a line; settles with the next one that it says. */
  ask(line: string): Promise<string | null> {
    this.send(`${line}\n`);
    return this.next();
  }

  /** Reads nothing any more. */
  pause(): void {
    this.#socket.pause();
  }

  close(): void {
    this.#socket.destroy();
  }
}
