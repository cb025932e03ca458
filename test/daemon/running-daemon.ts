/** A real daemon in a process of its own, on a real SoftHSM2 token in a temporary state directory. */

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { allocatorEnvironment, nodeFlags } from '../../src/daemon/process-settings.js';
import { ensureDevelopmentToken } from '../../src/hsm/development-token.js';

const daemonMain = fileURLToPath(new URL('../../src/daemon/main.js', import.meta.url));
const startTimeoutMs = 30_000;

export interface RunningDaemon {
  readonly stateDirectory: string;
  readonly socketPath: string;
  readonly pid: number;
  /** Everything that it wrote to its log so far. */
  readonly log: () => string;
  /** SIGTERM; settles with the exit code. The state stays. */
  stop(): Promise<number | null>;
  /** SIGKILL; settles when it is gone. The state stays. */
  kill(): Promise<void>;
}

export interface DaemonOptions {
  readonly stateDirectory?: string;
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** A command that the daemon is started by, and that becomes it. */
  readonly launcher?: readonly string[];
}

/** A fresh state directory with a development token. */
export async function prepareState(): Promise<string> {
  const stateDirectory = await mkdtemp(join(tmpdir(), 'writ-daemon-'));
  await ensureDevelopmentToken(stateDirectory, process.env);
  return stateDirectory;
}

/** Copies a state directory, as a backup would. */
export async function copyState(stateDirectory: string): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'writ-backup-'));
  await mkdir(copy, { recursive: true });
  await cp(stateDirectory, copy, { recursive: true, filter: (path) => !path.endsWith('.sock') });
  return copy;
}

export async function removeState(stateDirectory: string): Promise<void> {
  await rm(stateDirectory, { recursive: true, force: true });
}

/** Starts writd and waits until it is ready. Throws with its own log when it ends instead. */
export async function startDaemon(options: DaemonOptions = {}): Promise<RunningDaemon> {
  const stateDirectory = options.stateDirectory ?? (await prepareState());
  const settings = { ...allocatorEnvironment, WRIT_HOME: stateDirectory };
  const environment = { ...process.env, ...settings, ...options.environment };
  const words = [
    ...(options.launcher ?? []),
    process.execPath,
    ...nodeFlags,
    daemonMain,
    ...(options.flags ?? []),
  ];
  const [program = process.execPath, ...rest] = words;
  const child = spawn(program, rest, {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await ready(child, exited, () => log);
  return {
    stateDirectory,
    socketPath: join(stateDirectory, 'writ.sock'),
    pid: child.pid ?? 0,
    log: () => log,
    stop: () => {
      child.kill('SIGTERM');
      return exited;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function ready(child: ChildProcess, exited: Promise<number | null>, log: () => string): Promise<void> {
  let code: number | null | undefined;
  void exited.then((exitCode) => {
    code = exitCode;
  });
  const endMs = performance.now() + startTimeoutMs;
  while (!log().includes('"msg":"ready"')) {
    if (code !== undefined) throw new DaemonStartError(code, log());
    if (performance.now() > endMs) {
      child.kill('SIGKILL');
      throw new Error(`writd was not ready in time: ${log()}`);
    }
    await pause(20);
  }
}

/** The process that holds the token: the daemon's child which runs the signer. */
export function signerPid(daemonPid: number): number {
  const children = execFileSync('ps', ['--ppid', String(daemonPid), '-o', 'pid=,args='], {
    encoding: 'utf8',
  });
  const line = children.split('\n').find((text) => text.includes('signer'));
  assert.ok(line, `no signer among the children of ${daemonPid}: ${children}`);
  return Number(line.trim().split(' ')[0]);
}

/** writd ended instead of becoming ready. */
export class DaemonStartError extends Error {
  readonly exitCode: number | null;
  constructor(exitCode: number | null, log: string) {
    super(log.trim());
    this.name = 'DaemonStartError';
    this.exitCode = exitCode;
  }
}
