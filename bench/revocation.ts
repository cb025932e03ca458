/**
 * From a revocation to the death of the last process of its run, while 100 runs live; beside it, in the same run, `kill -9` of a bare
 * process group and its wait. Each process holds the writing end of a pipe, so that its end tells the moment of the last death.
 * Needs root. `UV_THREADPOOL_SIZE=250 node dist/bench/revocation.js`: each pipe that is read takes a thread of Node's.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clientOf, startGoverned } from '../test/daemon/governed-daemon.js';
import { allowed } from '../test/daemon/requests.js';
import { nobody, RunPuppet } from '../test/daemon/run-puppet.js';
import { removeState } from '../test/daemon/running-daemon.js';

const runs = 100;

/** A pipe with a name, and when nobody holds its writing end any more. */
function pipeIn(directory: string, name: string): { readonly path: string; readonly ended: Promise<number> } {
  const path = join(directory, name);
  execFileSync('mkfifo', ['-m', '666', path]);
  const ended = new Promise<number>((resolve, reject) => {
    const stream = createReadStream(path);
    stream.on('error', reject);
    stream.on('end', () => resolve(performance.now()));
    stream.resume();
  });
  return { path, ended };
}

const treeOn = (path: string) => `exec 3>${path}; setsid sleep 600 & sleep 600`;

async function revoked(directory: string): Promise<number[]> {
  const daemon = await startGoverned(600);
  const client = await clientOf(daemon);
  const puppet = RunPuppet.start(daemon.socketPath, nobody);
  try {
    const live: { readonly id: `sha3-512:${string}`; readonly ended: Promise<number> }[] = [];
    for (let at = 0; at < runs; at++) {
      const { path, ended } = pipeIn(directory, `run-${at}`);
      const { artifact } = await puppet.run('plain', treeOn(path), { runSeconds: 3600 });
      live.push({ id: artifact.id, ended });
    }
    // The first request of a program has its file digested, which takes its time with Node's.
    await client.status();
    const tookMs: number[] = [];
    for (const { id, ended } of live) {
      const askedMs = performance.now();
      const answer = client.revoke({ id });
      tookMs.push((await ended) - askedMs);
      allowed(await answer);
    }
    return tookMs;
  } finally {
    puppet.close();
    await client.close();
    await daemon.stop();
    await removeState(daemon.stateDirectory);
  }
}

async function killed(directory: string): Promise<number[]> {
  const live: { readonly child: ChildProcess; readonly ended: Promise<number> }[] = [];
  for (let at = 0; at < runs; at++) {
    const { path, ended } = pipeIn(directory, `group-${at}`);
    const script = `exec 3>${path}; sleep 600 & sleep 600`;
    live.push({ child: spawn('/bin/sh', ['-c', script], { detached: true, stdio: 'ignore' }), ended });
  }
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const tookMs: number[] = [];
  for (const { child, ended } of live) {
    const askedMs = performance.now();
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    tookMs.push((await ended) - askedMs);
  }
  return tookMs;
}

function quantile(sortedMs: readonly number[], part: number): string {
  return (sortedMs[Math.min(sortedMs.length - 1, Math.floor(part * sortedMs.length))] ?? 0).toFixed(2);
}

function tell(name: string, tookMs: readonly number[]): void {
  const sorted = [...tookMs].sort((left, right) => left - right);
  const figures = `p50 ${quantile(sorted, 0.5)} ms, p99 ${quantile(sorted, 0.99)} ms`;
  process.stdout.write(`${name}: ${figures} (${sorted.length} samples, ${runs} at once)\n`);
}

const directory = mkdtempSync(join(tmpdir(), 'writ-bench-'));
execFileSync('chmod', ['711', directory]);
try {
  tell('revocation to last process dead', await revoked(directory));
  tell('kill -9 of a process group', await killed(directory));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
