/** A runner in a process of its own that a test moves step by step (run-puppet.py), and what is left of its runs. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { Confinement } from '../../src/format/lease.js';
import type { LeaseStop } from '../../src/format/notification.js';
import type { Allowed, GrantResult } from '../../src/format/protocol.js';
import { projectRoot } from '../../src/state/locations.js';
import { allowed, echo, freshNonce } from './requests.js';

/** Nobody's uid, for runs that root's group holds. */
export const nobody = 65_534;

export type Confine = 'plain' | 'namespace';

export class RunPuppet {
  readonly #child: ChildProcess;
  readonly #directory: string;
  readonly #said: unknown[] = [];
  readonly #forked: number[] = [];
  readonly stops: LeaseStop[] = [];
  #onSaid: (() => void) | null = null;

  private constructor(child: ChildProcess, directory: string) {
    this.#child = child;
    this.#directory = directory;
    const lines = createInterface({ input: child.stdout ?? assert.fail('no output') });
    lines.on('line', (line) => {
      const message = JSON.parse(line);
      if (message.notification?.method === 'lease.stop') this.stops.push(message.notification.params);
      else this.#said.push(message);
      this.#onSaid?.();
    });
    child.once('exit', () => this.#onSaid?.());
  }

  static start(socketPath: string, uid = 0): RunPuppet {
    const directory = mkdtempSync(join(tmpdir(), 'writ-puppet-'));
    // Where every user can read it.
    chmodSync(directory, 0o755);
    const script = join(directory, 'run-puppet.py');
    copyFileSync(join(projectRoot, 'test', 'daemon', 'run-puppet.py'), script);
    chmodSync(script, 0o644);
    const child = spawn('python3', [script, socketPath], {
      stdio: ['pipe', 'pipe', 'inherit'],
      // Before it executes, so that a daemon of the same user may look at it.
      ...(uid === 0 ? {} : { uid, gid: uid }),
    });
    return new RunPuppet(child, directory);
  }

  get pid(): number {
    return this.#child.pid ?? assert.fail('it was not started');
  }

  async call(method: string, params: unknown): Promise<GrantResult> {
    const { result } = (await this.#do({ do: 'call', method, params })) as {
      result: { result: GrantResult; error?: unknown };
    };
    assert.equal(result.error, undefined, JSON.stringify(result.error));
    return result.result;
  }

  async fork(confine: Confine, script: string): Promise<number> {
    const { pid } = (await this.#do({ do: 'fork', confine, script })) as { pid: number };
    this.#forked.push(pid);
    return pid;
  }

  async release(): Promise<void> {
    await this.#do({ do: 'release' });
  }

  /** How its child ended, as waitpid(2) says. */
  async wait(): Promise<number> {
    return ((await this.#do({ do: 'wait' })) as { status: number }).status;
  }

  async hangUp(): Promise<void> {
    await this.#do({ do: 'hang up' });
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  close(): void {
    this.#child.kill('SIGKILL');
    for (const pid of this.#forked.filter(isAlive)) process.kill(pid, 'SIGKILL');
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** An authorization of use lease, redeemed. */
  async redeem(
    terms: Record<string, unknown> = {},
  ): Promise<{ readonly artifact: Allowed; readonly receipt: Allowed; readonly nonce: string }> {
    const action = echo('run');
    const artifact = allowed(await this.call('authorize', { action, use: 'lease', ...terms }));
    const nonce = freshNonce();
    const receipt = allowed(await this.call('redeem', { id: artifact.id, nonce, action }));
    return { artifact, receipt, nonce };
  }

  /** A whole run: redeemed, forked, its lease opened, released. */
  async run(
    confine: Confine,
    script: string,
    terms: Record<string, unknown> = {},
  ): Promise<{ readonly artifact: Allowed; readonly lease: Allowed; readonly child: number }> {
    const { artifact, receipt, nonce } = await this.redeem(terms);
    const child = await this.fork(confine, script);
    const params = { redemption: receipt.id, nonce, child, descend: 'not-enforced' };
    const lease = allowed(await this.call('lease.open', params));
    await this.release();
    return { artifact, lease, child };
  }

  async #do(order: unknown): Promise<unknown> {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
    while (this.#said.length === 0) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        assert.fail('the puppet has ended');
      await new Promise<void>((resolve) => {
        this.#onSaid = resolve;
      });
    }
    return this.#said.shift();
  }
}

/** The processes that a confinement holds, once there are so many. */
export async function membersOf(confinement: Confinement, count: number): Promise<readonly number[]> {
  for (;;) {
    const members =
      confinement.kind === 'pid-namespace' ? inNamespace(confinement.namespace) : inGroup(confinement);
    if (members.length >= count) return members;
    await pause(5);
  }
}

function inGroup({ cgroup }: Confinement): readonly number[] {
  const mount = /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 /m.exec(
    readFileSync('/proc/self/mountinfo', 'utf8'),
  )?.[1];
  const path = join(mount ?? assert.fail('no cgroup2'), cgroup ?? assert.fail('no group'), 'cgroup.procs');
  return readFileSync(path, 'utf8').split('\n').filter(Boolean).map(Number);
}

function inNamespace(namespace: string): readonly number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.filter((pid) => isAlive(pid) && namespaceOf(pid) === namespace);
}

/** Null for a process that is gone. */
function namespaceOf(pid: number): string | null {
  try {
    return String(statSync(`/proc/${pid}/ns/pid`).ino);
  } catch {
    return null;
  }
}

export function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

/** Settles when none of these processes lives; who waits bounds it. */
export async function allDead(...pids: readonly number[]): Promise<void> {
  while (pids.some(isAlive)) await pause(5);
}
