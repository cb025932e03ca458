// The watchdog as a service of root, for a daemon that is not: it holds and kills the runs of that daemon, and nobody else's
// word counts with it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import type { WritClient } from '../../src/client/client.js';
import { Watchdog } from '../../src/daemon/runs/watchdog.js';
import { readCgroup } from '../../src/kernel/process.js';
import { groupRemoved, hasGroup, RunningWatchdog } from '../native/running-watchdog.js';
import { clientOf, endsOf, leaseOf, startGoverned } from './governed-daemon.js';
import { allowed } from './requests.js';
import { allDead, membersOf, nobody, RunPuppet } from './run-puppet.js';
import { prepareState, type RunningDaemon, removeState, startDaemon } from './running-daemon.js';

const options = {
  timeout: 60_000,
  skip: process.getuid?.() === 0 ? false : 'needs root for a service of root and for other users',
};

/** No account at all: a number like any other user's. */
const daemonUid = 12_345;

/** The name of a daemon's group, from a run's: `/…/writ-<name>/run-<hex>`. */
function groupNameOf(cgroup: string): string {
  return /\/writ-([^/]+)\/run-[^/]+$/.exec(cgroup)?.[1] ?? assert.fail(`no group of a run: ${cgroup}`);
}

describe('a watchdog that is a service of root', options, () => {
  let watchdog: RunningWatchdog;
  let daemon: RunningDaemon;
  let client: WritClient;
  let puppet: RunPuppet | null = null;

  before(async () => {
    watchdog = await RunningWatchdog.start(daemonUid);
    const stateDirectory = await prepareState();
    const settings = `[socket]\nmode = "0666"\n[watchdog]\nsocket = "${watchdog.socketPath}"\n`;
    writeFileSync(join(stateDirectory, 'writ.toml'), settings);
    execFileSync('chown', ['-R', `${daemonUid}:${daemonUid}`, stateDirectory]);
    chmodSync(stateDirectory, 0o711);
    const user = ['setpriv', `--reuid=${daemonUid}`, `--regid=${daemonUid}`, '--clear-groups', '--'];
    daemon = await startDaemon({ stateDirectory, launcher: user });
    client = await clientOf(daemon);
  });
  afterEach(() => {
    puppet?.close();
    puppet = null;
  });
  after(async () => {
    await client?.close();
    await daemon?.stop();
    if (daemon !== undefined) await removeState(daemon.stateDirectory);
    assert.equal(await watchdog?.stop(), 0);
  });

  test('serves a daemon that is not root', options, async () => {
    const state = (await client.status()).runs.watchdog;
    assert.ok(state.state === 'ready', JSON.stringify(state));
    assert.deepEqual([state.pid, state.uid], [watchdog.pid, 0]);
  });

  test(
    'gives a run of that daemon a group, and kills all in it when its artifact is revoked',
    options,
    async () => {
      puppet = RunPuppet.start(daemon.socketPath, daemonUid);
      const { artifact, lease, child } = await puppet.run('plain', 'setsid sleep 300 & sleep 300');
      const { confinement } = leaseOf(lease);
      assert.ok(confinement.kind === 'cgroup', confinement.kind);
      assert.equal(readCgroup(child), confinement.cgroup);
      const members = await membersOf(confinement, 3);
      allowed(await client.revoke({ id: artifact.id }));
      await allDead(...members);
      const [end, ...others] = await endsOf(client, lease);
      assert.deepEqual([end?.cause, others], ['revoked', []]);
    },
  );

  test('removes the group of a daemon that went, though it goes on itself', options, async () => {
    puppet = RunPuppet.start(daemon.socketPath, daemonUid);
    const { lease, child } = await puppet.run('plain', 'sleep 300');
    const name = groupNameOf(leaseOf(lease).confinement.cgroup ?? assert.fail('no group'));
    assert.equal(await daemon.stop(), 0);
    await allDead(child);
    await groupRemoved(name);
    const other = await watchdog.connect();
    assert.match((await other.ask('hello somebody')) ?? '', /^ready 1 /);
    other.close();
  });

  test('hears nobody but that user and root, even where its socket is open to all', options, async () => {
    const speak = (uid: number) =>
      execFileSync('python3', ['-c', stranger, watchdog.socketPath], {
        uid,
        gid: uid,
        cwd: '/',
        encoding: 'utf8',
      });
    assert.equal(speak(nobody), 'EACCES\n');
    chmodSync(watchdog.socketPath, 0o666);
    assert.equal(speak(nobody), 'hung up\n');
    assert.match(speak(daemonUid), /^ready 1 /);
  });
});

/** Greets the watchdog, and says what comes of that. */
const stranger = `
import errno, socket, sys
peer = socket.socket(socket.AF_UNIX)
try:
    peer.connect(sys.argv[1])
    peer.sendall(b'hello stranger\\n')
    print(peer.recv(200).decode().strip() or 'hung up')
except (BrokenPipeError, ConnectionResetError):
    print('hung up')
except OSError as error:
    print(errno.errorcode[error.errno])
`;

describe('the socket of a watchdog', options, () => {
  test('that is not root’s is refused', options, async () => {
    const foreign = await RunningWatchdog.start(daemonUid, daemonUid);
    const watchdog = new Watchdog({
      name: 'refusing',
      socketPath: foreign.socketPath,
      onEnded: () => assert.fail('nothing runs'),
      onLost: () => assert.fail('it was never there'),
      onReady: () => assert.fail('it passes for a watchdog'),
    });
    await watchdog.start();
    const { state } = watchdog;
    assert.ok(state.state === 'restarting');
    assert.match(state.reason, /is not root's$/);
    const { pid } = process;
    const nothing = { pid, startTime: 1 };
    const order = { run: '0'.repeat(32), inside: null, runner: nothing, child: nothing, deadlineBootMs: 0 };
    assert.deepEqual(await watchdog.guard(order), { outcome: 'refused', reason: 'lost' });
    watchdog.close();
    assert.equal(await foreign.stop(), 0);
  });
});

describe('a watchdog that the daemon started', options, () => {
  test('leaves no group behind when both are stopped', options, async () => {
    const daemon = await startGoverned(30);
    const puppet = RunPuppet.start(daemon.socketPath, nobody);
    try {
      const { lease } = await puppet.run('plain', 'sleep 300');
      const name = groupNameOf(leaseOf(lease).confinement.cgroup ?? assert.fail('no group'));
      assert.ok(hasGroup(name));
      assert.equal(await daemon.stop(), 0);
      await groupRemoved(name);
    } finally {
      puppet.close();
      await daemon.stop();
      await removeState(daemon.stateDirectory);
    }
  });
});
