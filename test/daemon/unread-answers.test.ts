/** Clients that ask and never read: the daemon bounds what it keeps for them, and ends without them. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect as openSocket } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from '../../src/client/client.js';
import { removeState, startDaemon } from './running-daemon.js';

/** As many requests as may be in flight, whose answers are more than any socket buffer holds. */
const requests = Array.from({ length: 256 }, (_, id) =>
  JSON.stringify({ jsonrpc: '2.0', id, method: 'policy.get' }),
);

/** Asks, and never reads. The socket stays open until it is destroyed. */
async function askWithoutReading(socketPath: string, thenCloseHalf: boolean) {
  const socket = openSocket({ path: socketPath, allowHalfOpen: true }).pause();
  socket.on('error', () => undefined);
  const lines = `${requests.join('\n')}\n`;
  if (thenCloseHalf) socket.end(lines);
  else socket.write(lines);
  await pause(300);
  return socket;
}

/** How many sockets the daemon holds towards clients: an accepted socket bears the name of the one that listens (proc(5)). */
function connectionsTo(socketPath: string): number {
  const isConnected = /^\S+ \S+ \S+ \S+ \S+ 03 /;
  return readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .filter((line) => isConnected.test(line) && line.endsWith(` ${socketPath}`)).length;
}

describe('a client that never reads', () => {
  test('does not keep the daemon from ending', { timeout: 30_000 }, async () => {
    const daemon = await startDaemon();
    const silent = await askWithoutReading(daemon.socketPath, false);
    assert.equal(await daemon.stop(), 0);
    silent.destroy();
    await removeState(daemon.stateDirectory);
  });

  test('loses its connection some time after it closed its half', { timeout: 60_000 }, async () => {
    const daemon = await startDaemon();
    const silent = await askWithoutReading(daemon.socketPath, true);
    const lost = new Promise((resolve) => silent.once('close', resolve));
    // The answers end too early: the daemon gave the connection up while it was not read.
    while (connectionsTo(daemon.socketPath) > 0) await pause(50);
    let sizeBytes = 0;
    silent.on('data', (chunk) => {
      sizeBytes += chunk.length;
    });
    silent.resume();
    await lost;
    assert.ok(sizeBytes < 2_000_000, `${sizeBytes} bytes were kept`);
    const writ = await connect({ socketPath: daemon.socketPath });
    assert.equal((await writ.status()).state, 'ready');
    await writ.close();
    assert.equal(await daemon.stop(), 0);
    await removeState(daemon.stateDirectory);
  });
});
