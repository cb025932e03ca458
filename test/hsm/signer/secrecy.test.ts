/** What is left of a PIN after the login, and who may look at the process that had it. Each look is first shown to see. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openSigner } from '../../../src/hsm/process-signer.js';
import { removeState, startDaemon } from '../../daemon/running-daemon.js';
import { findInMemory } from '../process-memory.js';
import { makeTemporaryDirectory, makeTokenHome, signerConfig, type TokenHome } from '../token-home.js';

const isRoot = process.geteuid?.() === 0;
const crashingSigner = fileURLToPath(new URL('./crashing-signer.js', import.meta.url));
const addonFile = fileURLToPath(
  new URL('../../../../native/build/Release/writ_native.node', import.meta.url),
);

let token: TokenHome;
before(async () => {
  token = await makeTokenHome();
});
after(() => token.remove());

describe('the memory of a process', { skip: isRoot ? false : 'only root may look into the signer' }, () => {
  it('shows a PIN that was read as text', async () => {
    const script =
      "const pin = require('fs').readFileSync(process.argv[1], 'utf8'); console.log(''); setInterval(() => pin, 1e6)";
    const child = spawn(process.execPath, ['-e', script, token.userPinFile], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const pin = readFileSync(token.userPinFile).subarray(0, 32);
    assert.notDeepEqual(findInMemory(child.pid ?? 0, [pin]), []);
    child.kill('SIGKILL');
  });

  it('holds nothing of the PIN once the daemon and its signer are ready', async () => {
    const daemon = await startDaemon();
    const processes = [daemon.pid, ...childrenOf(daemon.pid)];
    const files = ['user.pin', 'so.pin'].map((file) =>
      readFileSync(join(daemon.stateDirectory, 'softhsm2', file)).subarray(0, 32),
    );
    const signers = processes.filter((pid) =>
      readFileSync(`/proc/${pid}/maps`, 'utf8').includes('libsofthsm2'),
    );
    assert.equal(signers.length, 1);
    // Halves too, and two bytes a character, as V8 keeps some strings.
    const traces = files
      .flatMap((pin) => [pin.subarray(0, 16), pin.subarray(16)])
      .flatMap((half) => [half, Buffer.from(half.toString('latin1'), 'utf16le')]);
    for (const pid of processes) {
      // The look itself: where the token's files lie is known to all of them but the watchdog, which knows its own program.
      const program = readlinkSync(`/proc/${pid}/exe`);
      const known = program.endsWith('writ-watchdog') ? program : daemon.stateDirectory;
      assert.notDeepEqual(findInMemory(pid, [Buffer.from(known)]), []);
      assert.deepEqual(findInMemory(pid, traces), []);
    }
    assert.equal(await daemon.stop(), 0);
    await removeState(daemon.stateDirectory);
  });
});

describe('a signer process', () => {
  it('may leave no core and gain no rights', async () => {
    const signer = await openSigner(signerConfig(token.pinned));
    const of = (file: string) => readFileSync(`/proc/${signer.pid}/${file}`, 'utf8');
    assert.match(of('status'), /^NoNewPrivs:\t1$/m);
    assert.match(of('limits'), /^Max core file size +0 +0 +bytes/m);
    await signer.close();
  });

  it('leaves no core when it crashes', async (test) => {
    const directory = makeTemporaryDirectory();
    const { stdout } = spawnSync(
      '/bin/sh',
      ['-c', 'ulimit -c unlimited; exec "$@"', 'sh', process.execPath, crashingSigner, token.home, 'SIGSEGV'],
      { cwd: directory, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    );
    const cores = readdirSync(directory);
    rmSync(directory, { recursive: true });
    assert.equal(stdout, 'signed, beside 0 files\n');
    if (cores.length === 0) test.skip('no process leaves its core in its directory here');
  });

  it('opens no inspector', () => {
    const { stdout, stderr } = spawnSync(process.execPath, [crashingSigner, token.home, 'SIGUSR1'], {
      cwd: token.home,
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '--inspect-port=0' },
    });
    assert.match(stdout, /^signed/);
    const [before, itself] = stderr.split('now itself\n');
    assert.equal(before, '');
    assert.match(itself ?? '', /Debugger listening/);
  });

  it('cannot be looked into by others of its user', async (test) => {
    // As a user without privileges, since to root every process belongs to root: the addon alone, where anybody can read it.
    const directory = makeTemporaryDirectory();
    chmodSync(directory, 0o755);
    const addon = join(directory, 'writ_native.node');
    copyFileSync(addonFile, addon);
    chmodSync(addon, 0o644);
    const ownerAfter = async (work: string): Promise<number | null> => {
      const script = `const addon = require(${JSON.stringify(addon)}); ${work}; console.log('done'); setInterval(() => {}, 1e6)`;
      const words = [process.execPath, '-e', script];
      const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', ...words];
      const [program = '', ...rest] = isRoot ? asNobody : words;
      const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'ignore'], cwd: '/' });
      const [said] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => [null])]);
      const owner = said === null ? null : statSync(`/proc/${child.pid}/mem`).uid;
      child.kill('SIGKILL');
      return owner;
    };
    const ordinary = await ownerAfter('');
    const hardened = await ownerAfter('addon.hardenProcess()');
    rmSync(directory, { recursive: true });
    if (ordinary === null) {
      test.skip('no process of another user can be started here');
      return;
    }
    assert.equal(ordinary, isRoot ? 65534 : process.geteuid?.());
    // What the kernel gives to nobody but root (proc(5), PR_SET_DUMPABLE).
    assert.equal(hardened, 0);
  });
});

describe('a process that may lock no memory', () => {
  it('signs nevertheless, and its operator learns what to do', (test) => {
    const limited = ['prlimit', '--memlock=0:0'];
    // Root may lock memory whatever the limit says, as long as it has the capability.
    if (isRoot) limited.push('setpriv', '--bounding-set=-ipc_lock');
    const [program = '', ...rest] = [...limited, process.execPath, crashingSigner, token.home, 'SIGCONT'];
    const { stdout, error } = spawnSync(program, rest, { cwd: token.home, encoding: 'utf8' });
    if (error !== undefined) {
      test.skip(`no limit can be set here (${error.message})`);
      return;
    }
    assert.match(
      stdout,
      /^warning: the PIN was for a moment in memory that may be written to swap.*RLIMIT_MEMLOCK/,
    );
    assert.match(stdout, /\nsigned, /);
  });
});

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number);
}
