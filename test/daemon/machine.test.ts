// Who asks, as the daemon sees it request by request: at a glance where that is sure, and never by what was true before.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, copyFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Caller } from '../../src/daemon/caller.js';
import { Machine } from '../../src/daemon/machine.js';
import type { PeerConnection } from '../../src/identity/peer.js';
import { nativeAddon } from '../../src/kernel/addon.js';
import { PeerServer, peerActs, tellToAct } from '../identity/socket-peers.js';

const skip = nativeAddon().supportsPeerPidfd() ? false : 'this kernel gives no pidfd of a peer';
const python = realpathSync('/usr/bin/python3');
const action = {
  type: 'execute',
  executable: realpathSync('/bin/echo'),
  argv: ['echo'],
  cwd: '/',
  environmentDigest: '0'.repeat(128),
} as const;

let server: PeerServer;
let machine: Machine;
beforeEach(async () => {
  server = new PeerServer();
  await server.listen();
  machine = new Machine(16);
});
afterEach(async () => {
  server.close();
  await machine.close();
});

async function callerOf(connection: PeerConnection): Promise<Caller> {
  const identified = await machine.identify(connection, machine.look());
  if (identified.outcome === 'denied') assert.fail(identified.denial.message);
  return identified.caller;
}

function programOf({ peer }: Caller): unknown {
  assert.ok(peer.executable.source !== 'unavailable');
  return peer.executable.path;
}

describe('identify', { skip }, () => {
  it('finds out at once, and the same, what it found out before', async () => {
    const connection = machine.connect((await server.accept('')).socket);
    const slowly = await callerOf(connection);
    const identified = machine.identify(connection, machine.look());
    assert.ok(!(identified instanceof Promise), 'the executable was not kept');
    assert.ok(identified.outcome === 'identified');
    assert.deepEqual(identified.caller, slowly);
    assert.equal(await callerOf(connection), identified.caller);
    connection.close();
  });

  it('gives connections of one process one caller, and other processes others', async () => {
    const first = await server.accept('');
    const other = await server.accept('');
    const connections = [first, first, other].map(({ socket }) => machine.connect(socket));
    for (const connection of connections) await callerOf(connection);
    const [one, again, another] = await Promise.all(connections.map(callerOf));
    assert.equal(one, again);
    assert.notEqual(one, another);
    assert.notEqual(one?.peer.pid, another?.peer.pid);
    for (const connection of connections) connection.close();
  });

  it('sees the new program of a peer that executed another one, although it knew the old one', async () => {
    const peer = await server.accept(peerActs.execSleep);
    const connection = machine.connect(peer.socket);
    await callerOf(connection);
    assert.equal(programOf(await callerOf(connection)), python);
    tellToAct(peer);
    const sleep = realpathSync('/bin/sleep');
    let program = programOf(await callerOf(connection));
    for (let tries = 0; program !== sleep && tries < 500; tries++) {
      await pause(10);
      program = programOf(await callerOf(connection));
    }
    assert.equal(program, sleep);
    connection.close();
  });

  it('denies a peer that ended, although it knew it, and a connection that was closed', async () => {
    const peer = await server.accept('');
    const [ended, closed] = [machine.connect(peer.socket), machine.connect((await server.accept('')).socket)];
    await callerOf(ended);
    await callerOf(closed);
    const exited = once(peer.child, 'exit');
    peer.child.kill('SIGKILL');
    closed.close();
    await exited;
    for (const connection of [ended, closed])
      assert.equal((await machine.identify(connection, machine.look())).outcome, 'denied');
    ended.close();
  });

  it('digests a program that its user could change anew each time', async () => {
    const copy = join(server.directory, 'python');
    copyFileSync(python, copy);
    chmodSync(copy, 0o777);
    const connection = machine.connect((await server.accept('', { python: copy })).socket);
    await callerOf(connection);
    const identified = machine.identify(connection, machine.look());
    assert.ok(identified instanceof Promise, 'it was believed to be what it was');
    assert.equal((await callerOf(connection)).peer.executable.source, 'reported');
    connection.close();
  });
});

describe('measureAction', () => {
  it('gives the same digests at once for a file that nobody could have changed', async () => {
    const slowly = await machine.measureAction(action);
    machine.look();
    const measured = machine.measureAction(action);
    assert.deepEqual(await measured, slowly);
    if (process.getuid?.() === 0) assert.ok(!(measured instanceof Promise), 'it was not kept');
  });

  it('refuses other spellings of the path of a file that it knows', async () => {
    assert.equal((await machine.measureAction(action)).outcome, 'measured');
    for (const executable of [
      '/usr/../usr/bin/echo',
      '//usr/bin/echo',
      '/usr/./bin/echo',
      '/usr/bin/echo/',
    ]) {
      machine.look();
      assert.equal((await machine.measureAction({ ...action, executable })).outcome, 'denied', executable);
    }
  });
});
