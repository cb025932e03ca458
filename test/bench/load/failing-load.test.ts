/** What the generator says when answers are not what they should be. The server is a scripted one: no real daemon errs so. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Generator } from '../../../bench/load/generator.js';
import type { Round, RoundResult } from '../../../bench/load/round.js';

const round: Round = {
  workload: { kind: 'distinct' },
  pace: { loop: 'closed', connections: 1, inFlight: 2 },
  warmUpMs: 0,
  durationMs: 20,
  maxRequests: 2,
};

/** One round against a server that answers each request line with these lines. */
async function roundAgainst(answer: (id: number) => string[]): Promise<RoundResult> {
  const directory = await mkdtemp(join(tmpdir(), 'writ-load-'));
  const path = join(directory, 'socket');
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      for (const [, id] of bytes.toString('latin1').matchAll(/"id":(\d+),"method"/g))
        socket.write(
          answer(Number(id))
            .map((line) => `${line}\n`)
            .join(''),
        );
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const generator = new Generator(path, 1);
  try {
    return await generator.run(round);
  } finally {
    generator.close();
    server.close();
    await rm(directory, { recursive: true });
  }
}

function grant(id: number): string {
  const result = { decision: 'allow', id: `sha3-512:${'0'.repeat(128)}`, index: 3, artifact: {} };
  return JSON.stringify({ jsonrpc: '2.0', id, result });
}

test('a denial is a failure, and its text is kept', async () => {
  const denial = (id: number): string =>
    JSON.stringify({
      jsonrpc: '2.0',
      id,
      result: { decision: 'deny', denials: [{ code: 'POLICY_DENIED' }] },
    });
  const result = await roundAgainst((id) => [denial(id)]);
  assert.equal(result.granted, 0);
  assert.equal(result.failures, 2);
  assert.match(result.firstFailure ?? '', /POLICY_DENIED/);
});

test('a second answer to a request is a failure', async () => {
  const result = await roundAgainst((id) => [grant(id), grant(id)]);
  assert.equal(result.granted, 2);
  assert.ok(result.failures >= 1);
  assert.match(result.firstFailure ?? '', /an answer to no request/);
});

test('a connection that ends is an error', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'writ-load-'));
  const path = join(directory, 'socket');
  const server = createServer((socket) => socket.once('data', () => socket.destroy()));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const generator = new Generator(path, 1);
  await assert.rejects(generator.run(round), /closed|ECONNRESET|EPIPE/);
  generator.close();
  server.close();
  await rm(directory, { recursive: true });
});

test('a closed round waits for answers that are slow to come', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      const ids = [...bytes.toString('latin1').matchAll(/"id":(\d+),"method"/g)].map(([, id]) => Number(id));
      // Longer than the round.
      setTimeout(() => socket.write(ids.map((id) => `${grant(id)}\n`).join('')), 3 * round.durationMs);
    });
  });
  const directory = await mkdtemp(join(tmpdir(), 'writ-load-'));
  const path = join(directory, 'socket');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const generator = new Generator(path, 1);
  try {
    const { maxRequests: _all, ...endless } = round;
    const { grantedInWindow, windowMs } = await generator.run(endless);
    assert.ok(grantedInWindow >= 2, `${grantedInWindow} grants`);
    assert.ok(windowMs > round.durationMs, `${windowMs} ms`);
  } finally {
    generator.close();
    server.close();
    await rm(directory, { recursive: true });
  }
});
