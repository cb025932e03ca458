// A program is held back in its confinement until it is released, and nothing of its tree outlives it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  ended,
  gone,
  isAlive,
  isRoot,
  LauncherHome,
  line,
  type Plan,
  stranger,
  type Under,
} from './exec-plan.js';

const shell = realpathSync('/bin/sh');
const script = (source: string): Pick<Plan, 'executable' | 'arguments'> => ({
  executable: shell,
  arguments: ['sh', '-c', source],
});
const situations: readonly { name: string; acts: readonly string[]; under: Under }[] = [
  { name: 'a PID namespace', acts: [], under: {} },
  { name: 'a plain child', acts: ['plain'], under: {} },
  ...(isRoot ? [{ name: 'a PID namespace of a user', acts: [], under: { uid: stranger } }] : []),
];
/** Whether the kernel is new enough for Landlock to keep processes off one another. */
function hasScopes(): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  return major > 6 || (major === 6 && minor >= 12);
}

const heldLine = /held (\d+) (\S+) (\S+)\n/;

/** Leaves processes behind in sessions of their own. */
const daemons =
  'setsid sleep 1000 & (setsid sh -c "setsid sleep 1000 & sleep 1000" &); sleep 0.3; echo started;';

for (const { name, acts, under } of situations) {
  describe(`confined in ${name}`, () => {
    let home: LauncherHome;
    before(() => {
      home = new LauncherHome();
    });
    after(() => home.close());
    const plain = acts.includes('plain');
    const start = (plan: Plan, more: readonly string[] = []) =>
      home.start(home.plan({ ...plan, acts: [...acts, 'status', ...more] }, under), under);

    /** The processes of the test's own sleeps, wherever they are. */
    const sleepers = (seconds: number): readonly number[] =>
      processes().filter((pid) => commandLine(pid) === `sleep ${seconds} `);

    it('traces and signals no process outside of it, though that is of the same user', async (context) => {
      const reach = `
import ctypes, os, sys
other, trace = int(sys.argv[1]), ctypes.CDLL(None).ptrace
print(trace(16, other, 0, 0) == 0)
try:
    os.kill(other, 0)
    print(True)
except OSError:
    print(False)`;
      const uid = under.uid ?? process.getuid?.();
      const other = spawn('sleep', ['300'], { stdio: 'ignore', uid });
      try {
        const python = realpathSync('/usr/bin/python3');
        const words = ['python3', '-c', reach, String(other.pid)];
        const child = home.start(home.plan({ executable: python, arguments: words, acts }, under), under);
        const { stdout } = await ended(child);
        if (plain && !hasScopes()) return context.skip('this kernel has no Landlock scopes (Linux 6.12)');
        assert.equal(stdout, 'False\nFalse\n');
      } finally {
        other.kill('SIGKILL');
      }
    });

    it('is held back, and what the daemon looks at can be looked at', async () => {
      const child = start(script('touch executed'), ['hold 600000']);
      const [, id, kind, enforced] = await line(child.stderr, heldLine);
      const pid = Number(id);
      assert.deepEqual([kind, enforced], [plain ? 'plain' : 'pid-namespace', 'enforced']);
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      assert.match(status, new RegExp(`^PPid:\\t${child.pid}$`, 'm'));
      assert.match(status, plain ? /^NSpid:\t\d+$/m : /^NSpid:\t\d+\t1$/m);
      const uid = under.uid ?? process.getuid?.();
      assert.match(status, new RegExp(`^Uid:\t${uid}\t${uid}\t${uid}\t${uid}$`, 'm'));
      // Not dumpable, it would belong to root and its links would be closed to its own user.
      assert.match(readFileSync(`/proc/${pid}/environ`, 'latin1'), /PATH=|^$/);
      child.kill('SIGKILL');
      await gone(pid);
      assert.equal(existsSync(join(home.directory, 'executed')), false);
    });

    it('sees only itself', { skip: plain && 'a plain child sees the whole system' }, async () => {
      const run = ended(start(script('echo /proc/[0-9]*')));
      assert.equal((await run).stdout, '/proc/1 /proc/2\n');
    });

    it('takes everything along when it ends', async () => {
      const mark = 100_000 + Math.floor(Math.random() * 1e8);
      const { code } = await ended(start(script(`${daemons.replaceAll('1000', String(mark))} exit 3`)));
      assert.equal(code, 3);
      assert.deepEqual(sleepers(mark), []);
    });

    it('takes everything along when it is killed at a deadline', async () => {
      const mark = 100_000 + Math.floor(Math.random() * 1e8);
      const source = `${daemons.replaceAll('1000', String(mark))} sleep ${mark}`;
      const { signal } = await ended(start(script(source), ['kill-after 600']));
      assert.equal(signal, 'SIGKILL');
      assert.deepEqual(sleepers(mark), []);
    });

    it('does not outlive the launcher', async () => {
      const mark = 100_000 + Math.floor(Math.random() * 1e8);
      // Of a plain child's tree the watchdog takes care; the program itself dies at once.
      const before = plain ? '' : daemons.replaceAll('1000', String(mark));
      const child = start(script(`${before} echo ready; exec sleep ${mark}`));
      await line(child.stdout, /ready\n/);
      while (sleepers(mark).length === 0) await new Promise((next) => setTimeout(next, 5));
      const pids = sleepers(mark);
      child.kill('SIGKILL');
      for (const pid of pids) await gone(pid);
      assert.deepEqual(sleepers(mark).filter(isAlive), []);
    });

    it('passes signals on', async () => {
      const names = ['HUP', 'INT', 'QUIT', 'USR1', 'USR2', 'TERM', 'ALRM', 'WINCH', 'CONT'] as const;
      const traps = names.map((signal) => `trap "echo ${signal}" ${signal};`).join(' ');
      const child = start(script(`${traps} echo ready; while :; do sleep 0.05; done`));
      child.stdout.setEncoding('latin1');
      const output = child.stdout[Symbol.asyncIterator]();
      const next = async () => String((await output.next()).value).trim();
      assert.equal(await next(), 'ready');
      for (const signal of names) {
        child.kill(`SIG${signal}`);
        assert.equal(await next(), signal);
      }
      child.kill('SIGKILL');
    });

    it('lets readers of its output see its end, though the launcher is still there', async () => {
      const child = start(script('echo last; exec >&-; sleep 1000'));
      let text = '';
      for await (const chunk of child.stdout) text += String(chunk);
      assert.equal(text, 'last\n');
      assert.equal(child.exitCode, null);
      child.kill('SIGTERM');
      await new Promise((resolve) => child.once('close', resolve));
      assert.equal(child.signalCode, 'SIGTERM');
    });
  });
}

describe('a tree that cannot be confined', { skip: !isRoot && 'taking namespaces away needs root' }, () => {
  let home: LauncherHome;
  before(() => {
    home = new LauncherHome();
  });
  after(() => home.close());
  // In a user namespace that may have no others, and without powers over itself.
  const wrapper = [
    'unshare',
    '--user',
    '--map-root-user',
    shell,
    '-c',
    'echo 0 > /proc/sys/user/max_pid_namespaces; exec "$@"',
    'sh',
  ];
  const plan: Plan = { ...script('echo done'), uid: 0, gid: 0 };

  it('is not started', async () => {
    const child = home.start(home.plan(plan), { wrapper });
    const { code, stdout, stderr } = await ended(child);
    assert.deepEqual([code, stdout], [125, ''], stderr);
    assert.match(stderr, /^ENVIRONMENT_MISMATCH: No PID namespace could be made/);
  });

  it('is started by best effort where the plan accepts that, which is said', async () => {
    const child = home.start(home.plan({ ...plan, confine: 'best-effort', acts: ['status'] }), { wrapper });
    const { stdout, stderr } = await ended(child);
    assert.equal(stdout, 'done\n', stderr);
    assert.match(stderr, /^held \d+ plain enforced\n/);
  });
});

function processes(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
