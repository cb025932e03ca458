/** A real ssh-agent with a fresh Ed25519 key, and the load for it. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Child, type Failed } from '../child.js';
import type { Defer } from '../scope.js';

export interface AgentOrder {
  readonly order: 'run';
  readonly socketPath: string;
  readonly connections: number;
  readonly inFlight: number;
  readonly warmUpMs: number;
  readonly durationMs: number;
}

export interface AgentResult {
  readonly reply: 'result';
  readonly perSecond: number;
  /** All of the round, what came during the warm-up and after its end included. */
  readonly signatures: number;
  /** How many of them were checked. */
  readonly verified: number;
  /** Processor time of the load. */
  readonly cpuUs: number;
}

export type AgentReply = AgentResult | Failed;

export interface AgentPeer {
  /** Of ssh-agent itself. */
  readonly pid: number;
  /** Signatures of 32 bytes over the socket. */
  run(round: Omit<AgentOrder, 'order' | 'socketPath'>): Promise<AgentResult>;
}

const startTimeoutMs = 5000;
const runProgram = promisify(execFile);

/** Starts the agent, makes a key and gives it to the agent. Rejects where OpenSSH is not installed. */
export async function startAgent(defer: Defer): Promise<AgentPeer> {
  const directory = await mkdtemp(join(tmpdir(), 'writ-agent-'));
  defer(() => rm(directory, { recursive: true, force: true }));
  const socketPath = join(directory, 'agent.sock');
  const agent = spawn('ssh-agent', ['-D', '-a', socketPath], { stdio: 'ignore' });
  const missing = once(agent, 'error').then(([cause]): never => {
    throw new Error('ssh-agent cannot be started; install openssh-client', { cause });
  });
  missing.catch(() => undefined);
  defer(() => end(agent));
  await Promise.race([missing, until(() => existsSync(socketPath))]);
  const key = join(directory, 'key');
  await runProgram('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  await runProgram('ssh-add', ['-q', key], { env: { ...process.env, SSH_AUTH_SOCK: socketPath } });
  const load = new Child<AgentOrder, AgentReply>(new URL('agent-load-main.js', import.meta.url));
  defer(() => load.end());
  return {
    pid: agent.pid ?? 0,
    run: (round) => load.ask({ order: 'run', socketPath, ...round }),
  };
}

async function end(agent: ChildProcess): Promise<void> {
  if (agent.pid === undefined || agent.exitCode !== null || agent.signalCode !== null) return;
  const exited = once(agent, 'exit');
  agent.kill();
  await exited;
}

async function until(condition: () => boolean): Promise<void> {
  const endMs = performance.now() + startTimeoutMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error('ssh-agent does not listen');
    await pause(10);
  }
}
