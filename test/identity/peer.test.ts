// Identity of real processes behind real sockets: who they are, what they became, and that the dead are denied.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, copyFileSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { FileDigester } from '../../src/environment/file-digest.js';
import type { Peer } from '../../src/format/predicate.js';
import {
  currentPeer,
  identifyPeer,
  type PeerConnection,
  PeerError,
  probePidfdSupport,
} from '../../src/identity/peer.js';
import { readCgroup, readProcessStat } from '../../src/kernel/process.js';
import { PeerServer, peerActs, tellToAct } from './socket-peers.js';

const support = probePidfdSupport();
const notRoot = process.getuid?.() === 0 ? false : 'only root can start processes of other users';
const digester = new FileDigester();
after(() => digester.close());

const readExecutable = (path: string) => digester.digest(path, 'executable');

let server: PeerServer;
beforeEach(async () => {
  server = new PeerServer();
  await server.listen();
});
afterEach(() => server.close());

function sha256Of(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

function groupsOf(pid: number): readonly number[] {
  const listed =
    /^Groups:[ \t]*(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 'none listed';
  return listed.split(' ').filter(Boolean).map(Number);
}

async function identified(connection: PeerConnection): Promise<Peer> {
  const current = await currentPeer(connection, readExecutable);
  assert.equal(current.outcome, 'identified');
  return current.peer;
}

/** The executable of a peer that must have one. */
function executableOf({ executable }: Peer) {
  assert.notEqual(executable.source, 'unavailable');
  assert.ok(executable.source !== 'unavailable');
  return executable;
}

describe('identifyPeer and currentPeer', () => {
  it('name the process, its user and the digests of what it runs', async () => {
    const { pid, descriptor } = await server.accept('');
    const connection = identifyPeer(descriptor, support);
    const peer = await identified(connection);
    connection.close();
    const python = realpathSync('/usr/bin/python3');
    assert.equal(peer.pid, pid);
    assert.equal(peer.uid, process.getuid?.());
    assert.equal(peer.gid, process.getgid?.());
    assert.deepEqual(peer.groups, groupsOf(pid));
    assert.equal(peer.startTime, readProcessStat(pid).startTime);
    assert.equal(peer.cgroup, readCgroup(pid));
    const executable = executableOf(peer);
    assert.equal(executable.path, python);
    assert.equal(executable.digests.sha256, sha256Of(python));
  });

  it('see the new program of a peer that executed another one', async () => {
    const peer = await server.accept(peerActs.execSleep);
    const connection = identifyPeer(peer.descriptor, support);
    assert.equal(executableOf(await identified(connection)).path, realpathSync('/usr/bin/python3'));
    tellToAct(peer);
    const sleep = realpathSync('/bin/sleep');
    let executable = executableOf(await identified(connection));
    for (let tries = 0; executable.path !== sleep && tries < 500; tries++) {
      await delay(10);
      executable = executableOf(await identified(connection));
    }
    connection.close();
    assert.equal(executable.path, sleep);
    assert.equal(executable.digests.sha256, sha256Of(sleep));
  });

  it('deny a peer that ended while another process holds its connection', async () => {
    const peer = await server.accept(peerActs.leaveToChild);
    const connection = identifyPeer(peer.descriptor, support);
    assert.equal(connection.isAlive(), true);
    const exited = once(peer.child, 'exit');
    tellToAct(peer);
    await exited;
    assert.deepEqual(await currentPeer(connection, readExecutable), {
      outcome: 'denied',
      denial: {
        code: 'IDENTITY_MISMATCH',
        message: `Process ${peer.pid}, which opened this connection, has ended.`,
        remedy: 'Open a connection from the process that asks.',
      },
    });
    assert.throws(() => identifyPeer(peer.descriptor, support), PeerError);
    assert.equal(peer.socket.destroyed, false);
    connection.close();
  });

  it('deny after the connection was closed, also in the middle of a request', async () => {
    const { descriptor } = await server.accept('');
    const connection = identifyPeer(descriptor, 'present');
    const asked = currentPeer(connection, readExecutable);
    connection.close();
    connection.close();
    assert.equal((await asked).outcome, support === 'present' ? 'denied' : 'identified');
  });

  it('report what a kernel without SO_PEERPIDFD cannot vouch for', async () => {
    const { descriptor } = await server.accept('');
    const peer = await identified(identifyPeer(descriptor, 'absent'));
    assert.equal(peer.executable.source, 'reported');
  });

  it('vouch for no executable that a user could change', async () => {
    const python = join(server.directory, 'python');
    copyFileSync(realpathSync('/usr/bin/python3'), python);
    chmodSync(python, 0o777);
    const { descriptor } = await server.accept('', { python });
    const connection = identifyPeer(descriptor, support);
    const peer = await identified(connection);
    connection.close();
    assert.equal(peer.executable.source, 'reported');
    assert.equal(executableOf(peer).path, python);
  });

  it('go on without the executable when it cannot be read', async () => {
    const { descriptor } = await server.accept('');
    const connection = identifyPeer(descriptor, support);
    const current = await currentPeer(connection, async () => ({
      outcome: 'refused',
      reason: 'It is gone.',
    }));
    connection.close();
    assert.equal(current.outcome, 'identified');
    assert.deepEqual(current.peer.executable, { source: 'unavailable', reason: 'It is gone.' });
  });

  it('tell two users apart', { skip: notRoot }, async () => {
    const launcher = ['setpriv', '--reuid=65534', '--regid=65533', '--groups=65532,4'];
    const [other, own] = [await server.accept('', { launcher }), await server.accept('')];
    const otherConnection = identifyPeer(other.descriptor, support);
    const ownConnection = identifyPeer(own.descriptor, support);
    const peer = await identified(otherConnection);
    assert.deepEqual([peer.pid, peer.uid, peer.gid], [other.pid, 65534, 65533]);
    assert.deepEqual([...peer.groups].sort(), [4, 65532]);
    assert.equal((await identified(ownConnection)).uid, 0);
    otherConnection.close();
    ownConnection.close();
  });

  it('vouch for system programs of other users, but not for paths of another mount namespace', {
    skip: notRoot || (support === 'absent' ? 'this kernel has no SO_PEERPIDFD' : false),
  }, async () => {
    const user = await server.accept('', { launcher: ['setpriv', '--reuid=65534', '--clear-groups'] });
    const elsewhere = await server.accept('', { launcher: ['unshare', '--mount'] });
    const sources: string[] = [];
    for (const { descriptor } of [user, elsewhere]) {
      const connection = identifyPeer(descriptor, support);
      sources.push((await identified(connection)).executable.source);
      connection.close();
    }
    assert.deepEqual(sources, ['kernel', 'reported']);
  });

  it('give every descriptor back', async () => {
    const { descriptor } = await server.accept('');
    const open = (): number => readdirSync('/proc/self/fd').length;
    const before = open();
    for (let round = 0; round < 50; round++) {
      const connection = identifyPeer(descriptor, support);
      await identified(connection);
      connection.close();
    }
    assert.equal(open(), before);
  });
});
