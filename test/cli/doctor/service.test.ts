import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Deployment } from '../../../src/cli/doctor/deployment.js';
import { lockState } from '../../../src/cli/doctor/lock-holder.js';
import { checkDaemon, checkSocket } from '../../../src/cli/doctor/service.js';
import { base64Encode } from '../../../src/format/base64.js';
import { denial } from '../../../src/format/denial.js';
import { formatVerifierKey, verifierKey } from '../../../src/format/note.js';
import type { StatusResult } from '../../../src/format/protocol.js';
import { lockFile } from '../../../src/kernel/file-lock.js';
import { makeTokenHome, type TokenHome, until } from '../../hsm/token-home.js';
import { deploymentAt, outcomesOf, textOf } from './examined.js';

const isRoot = process.geteuid?.() === 0;

let token: TokenHome;
let socketPath: string;
before(async () => {
  token = await makeTokenHome();
  socketPath = join(token.home, 'writ.sock');
});
after(() => token.remove());

const configure = (text: string) => writeFileSync(join(token.home, 'writ.toml'), text);
const found = () => deploymentAt(token.home);

describe('the socket', () => {
  test('is made by the daemon: its absence is nothing, that of its directory is', async () => {
    assert.deepEqual(outcomesOf(checkSocket(await found()), 'socket'), ['skipped']);
    const far = await deploymentAt(token.home, { environment: { WRIT_SOCKET: '/no/such/place/writ.sock' } });
    assert.match(
      textOf(checkSocket(far), 'failed'),
      /the directory \/no\/such\/place for the socket does not/,
    );
  });

  test('fails for a file in its place', async () => {
    writeFileSync(socketPath, '');
    assert.match(textOf(checkSocket(await found()), 'failed'), /is a file and no socket.* -> Remove it/);
    rmSync(socketPath);
  });

  test('fails for a group that does not exist', async () => {
    configure('[socket]\ngroup = "no-such-group"\n');
    assert.match(textOf(checkSocket(await found()), 'failed'), /there is no group no-such-group/);
    configure('');
  });

  test('is told to be stale when whoever listened was killed', async () => {
    const listen = `require('node:net').createServer().listen(${JSON.stringify(socketPath)})`;
    const child = spawn(process.execPath, ['-e', listen], { stdio: 'ignore' });
    await until(() => existsSync(socketPath));
    child.kill('SIGKILL');
    await once(child, 'exit');
    chmodSync(socketPath, 0o660);
    const deployment = await found();
    assert.deepEqual(deployment.daemon, { daemon: 'absent' });
    assert.match(textOf(checkSocket(deployment), 'warning'), /is left over from a daemon that has ended/);
    assert.match(textOf(checkDaemon(deployment), 'warning'), /no daemon runs -> Start writd/);
    rmSync(socketPath);
  });

  test('fails with another mode or group than is configured, and in a place that others can change', async () => {
    const directory = join(token.home, 'run');
    const path = join(directory, 'writ.sock');
    mkdirSync(directory);
    chmodSync(directory, 0o777);
    configure(`[socket]\npath = ${JSON.stringify(path)}\ngroup = "daemon"\n`);
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(path, resolve));
    try {
      chmodSync(path, 0o666);
      const problems = textOf(checkSocket(await found()), 'failed');
      assert.match(problems, /has mode 0666, not 0660 as configured/);
      assert.match(problems, /belongs to group root, not to daemon|belongs to group \w+, not to daemon/);
      assert.match(problems, /run has mode 0777: others may replace what lies in it/);
      assert.match(textOf(checkSocket(await found()), 'warning'), /group daemon cannot reach .*is closed/);
      chmodSync(path, 0o660);
      chmodSync(directory, 0o755);
      if (isRoot) {
        chownSync(path, 0, 1);
        assert.equal(textOf(checkSocket(await found()), 'failed'), '');
      }
    } finally {
      await new Promise((resolve) => server.close(resolve));
      configure('');
    }
  });
});

describe('the daemon', () => {
  const answering = (deployment: Deployment, changes: Partial<StatusResult> = {}): Deployment => {
    const { log, artifact } = token.pinned.keys;
    const status = {
      daemon: 'writd-1',
      version: '1.2.3',
      state: 'ready',
      troubles: [],
      startedAt: '2026-01-01T00:00:00.000Z',
      log: { vkey: formatVerifierKey(verifierKey('test.example', log.publicKey)), size: 4 },
      artifactKey: base64Encode(artifact.publicKey),
      signer: 'ready',
      runs: { live: 0, watchdog: { state: 'ready', pid: 2, uid: 0, base: '/writ-1', memory: 'locked' } },
      ...changes,
    } as unknown as StatusResult;
    return { ...deployment, daemon: { daemon: 'answers', status } };
  };

  test('is sound when it is ready with the pinned keys', async () => {
    assert.deepEqual(outcomesOf(checkDaemon(answering(await found())), 'daemon'), ['ok']);
  });

  test('fails with each of its own troubles, a signer that is not ready, and other keys', async () => {
    const deployment = await found();
    const trouble = denial('LOG_UNAVAILABLE', 'the disk is full', 'Make room.');
    const troubled = checkDaemon(answering(deployment, { troubles: [trouble] }));
    assert.match(textOf(troubled, 'failed'), /reports LOG_UNAVAILABLE: the disk is full -> Make room\./);
    const closed = checkDaemon(answering(deployment, { signer: 'closed' }));
    assert.match(textOf(closed, 'failed'), /signer process is closed, so nothing is sealed/);
    const foreign = checkDaemon(answering(deployment, { artifactKey: base64Encode(new Uint8Array(32)) }));
    assert.match(textOf(foreign, 'failed'), /signs with other keys than keys\.json pins/);
  });

  test('is warned of when it is of another version', async () => {
    const findings = checkDaemon(answering(await found(), { version: '0.0.1' }));
    assert.match(textOf(findings, 'warning'), /the daemon is version 0\.0\.1, this command version 1\.2\.3/);
  });

  test('fails when whatever listens does not answer as a daemon', async () => {
    const server = createServer((socket) => socket.resume().end('HTTP/1.1 400 Bad Request\n'));
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    try {
      const findings = checkDaemon(await found());
      assert.match(textOf(findings, 'failed'), /something listens at .*, but not as a daemon does/);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test('fails when the state has an owner that listens nowhere', async () => {
    const path = join(token.home, 'writd.lock');
    assert.deepEqual(lockState(path), { lock: 'free' });
    const locked = lockFile(path);
    assert.equal(locked.outcome, 'locked');
    try {
      const deployment = await found();
      assert.deepEqual(deployment.lock, { lock: 'held', pid: process.pid });
      assert.match(
        textOf(checkDaemon(deployment), 'failed'),
        new RegExp(`\\(pid ${process.pid}\\) owns .*listens`),
      );
    } finally {
      if (locked.outcome === 'locked') locked.lock.release();
    }
    assert.deepEqual(lockState(path), { lock: 'free' });
  });

  test('may be there wherever locks cannot be read', () => {
    assert.deepEqual(lockState('/etc/passwd', '/etc/passwd/locks'), { lock: 'unknown' });
  });
});
