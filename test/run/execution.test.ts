// The native launcher executes a plan to the letter, or denies it.

import assert from 'node:assert/strict';
import { mkdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { ended, isRoot, LauncherHome, type Plan, type Run, stranger, type Under } from './exec-plan.js';

const shell = realpathSync('/bin/sh');
const python = realpathSync('/usr/bin/python3');
const script = (source: string): Pick<Plan, 'executable' | 'arguments'> => ({
  executable: shell,
  arguments: ['sh', '-c', source],
});
const pythonScript = (source: string): Pick<Plan, 'executable' | 'arguments'> => ({
  executable: python,
  arguments: ['python3', '-c', source],
});

/** What a process may inherit: set up by `wrapper`, which executes the rest of its command, and shown by `source`. */
const inherited = {
  descriptors: {
    wrapper: 'import os, sys; os.dup2(0, 57); os.execv(sys.argv[1], sys.argv[1:])',
    source: 'import os; print(sorted(map(int, os.listdir("/proc/self/fd"))))',
  },
  signals: {
    wrapper: [
      'import os, signal as s, sys',
      's.pthread_sigmask(s.SIG_BLOCK, [s.SIGUSR2])',
      'for ignored in (s.SIGHUP, s.SIGCHLD): s.signal(ignored, s.SIG_IGN)',
      'os.execv(sys.argv[1], sys.argv[1:])',
    ].join('\n'),
    source: 'import re; print(re.findall("(?m)^Sig(?:Blk|Ign).*", open("/proc/self/status").read()))',
  },
} as const;

function denied(run: Run, code: string, words: RegExp): void {
  assert.equal(run.code, 125, run.stderr);
  assert.match(run.stderr, new RegExp(`^${code}: `));
  assert.match(run.stderr, words);
  assert.equal(run.stdout, '');
}

/** Everything counts for both confinements, and for users with and without root's powers. */
const situations: readonly { name: string; acts: readonly string[]; under: Under }[] = [
  { name: 'in a PID namespace', acts: [], under: {} },
  { name: 'as a plain child', acts: ['plain'], under: {} },
  ...(isRoot
    ? [
        { name: 'in a PID namespace, by a user', acts: [], under: { uid: stranger } },
        { name: 'as a plain child, by a user', acts: ['plain'], under: { uid: stranger } },
      ]
    : []),
];
if (!isRoot) console.warn('not root: what another user would meet is not tested');

for (const { name, acts, under } of situations) {
  describe(`the launcher, ${name}`, () => {
    let home: LauncherHome;
    before(() => {
      home = new LauncherHome();
    });
    after(() => home.close());
    const run = (plan: Plan) => home.run({ acts, ...plan }, under);

    it('passes arguments, environment and working directory byte for byte', async () => {
      const odd = Buffer.from('caf\xe9 \x01\n', 'latin1');
      const environment = [Buffer.concat([Buffer.from('ODD='), odd]), 'A=1', 'A=2', 'no equals sign', '='];
      const { stdout, code } = await run({
        executable: realpathSync('/bin/cat'),
        arguments: ['cat', '/proc/self/cmdline', '/proc/self/environ', '--', odd],
        environment,
        cwd: '/usr',
      });
      const cat = ['cat', '/proc/self/cmdline', '/proc/self/environ', '--', odd];
      const expected = [...cat, ...environment].flatMap((text) => [Buffer.from(text), Buffer.of(0)]);
      assert.equal(stdout, Buffer.concat(expected).toString('latin1'));
      assert.equal(code, 1, 'cat finds no file of that odd name');
      assert.equal((await run({ ...script('pwd -P'), cwd: '/usr/bin' })).stdout, '/usr/bin\n');
    });

    it('keeps the program where it was, for itself and others', async () => {
      const { stdout } = await run(script('readlink /proc/$$/exe; tr "\\0" " " < /proc/$$/cmdline'));
      // A copy in memory has no place, and without a namespace of its own it cannot be given one.
      const placed = acts.length === 0 || under.uid !== undefined;
      assert.match(stdout, new RegExp(`^${placed ? shell : '/memfd:dash .*'}\nsh -c `));
    });

    it('ends with the same status', async () => {
      for (const status of [0, 1, 7, 125, 126, 127, 255]) {
        assert.equal((await run(script(`exit ${status}`))).code, status);
      }
    });

    it('ends by the same signal', async () => {
      for (const signal of ['TERM', 'KILL', 'SEGV', 'INT', 'USR1'] as const) {
        const { signal: died, code } = await run(script(`ulimit -c 0; kill -${signal} $$; sleep 9`));
        assert.deepEqual([died, code], [`SIG${signal}`, null]);
      }
    });

    it('gives up new privileges', async () => {
      const { stdout } = await run(script('grep NoNewPrivs /proc/self/status'));
      assert.match(stdout, /NoNewPrivs:\s+1\n/);
    });

    for (const [what, { wrapper, source }] of Object.entries(inherited)) {
      it(`leaves the program the ${what} that were inherited`, async () => {
        const around = { ...under, wrapper: [python, '-c', wrapper] };
        const bare = await ended(home.bare([python, '-c', source], around));
        const governed = await ended(home.start(home.plan({ acts, ...pythonScript(source) }, under), around));
        assert.equal(governed.stdout, bare.stdout);
        assert.notEqual(bare.stdout, '');
      });
    }

    it('limits what the plan limits, and nothing else', async () => {
      const limits = { cpu: 7, memory: 2 ** 33, processes: 4000, files: 77, 'file-size': 4096 };
      const source =
        'import resource as r; print([r.getrlimit(n) for n in (r.RLIMIT_CPU, r.RLIMIT_AS, r.RLIMIT_NPROC, r.RLIMIT_NOFILE, r.RLIMIT_FSIZE)], r.getrlimit(r.RLIMIT_STACK))';
      const limited = await run({ ...pythonScript(source), limits });
      const numbers = Object.values(limits).map((value) => `(${value}, ${value})`);
      const stack = (await run(pythonScript(source))).stdout.replace(/^.*\] /, '');
      assert.equal(limited.stdout, `[${numbers.join(', ')}] ${stack}`);
      const huge = await run({ ...script('ulimit -H -n'), limits: { files: 2 ** 40 } });
      assert.equal(huge.stdout, (await run(script('ulimit -H -n'))).stdout, 'never raised');
    });

    it('denies another identity than its own', async () => {
      denied(await run({ ...script('echo no'), uid: 4711 }), 'IDENTITY_MISMATCH', /uid 4711/);
      denied(await run({ ...script('echo no'), gid: 4711 }), 'IDENTITY_MISMATCH', /gid 4711/);
      denied(
        await run({ ...script('echo no'), groups: [4711] }),
        'IDENTITY_MISMATCH',
        /supplementary groups/,
      );
    });

    it('denies another file than was authorized', async () => {
      const path = home.copy('/bin/true', 'changed');
      const plan = home.plan({ acts, executable: path }, under);
      home.copy('/bin/echo', 'changed');
      denied(await ended(home.start(plan, under)), 'SCOPE_MISMATCH', /digests differ/);
    });

    it('denies a path with a symbolic link, and what is no file', async () => {
      const path = home.copy('/bin/true', 'linked');
      const plan = home.plan({ acts, executable: path }, under);
      home.copy('/bin/true', 'other');
      rmSync(path);
      symlinkSync('other', path);
      denied(await ended(home.start(plan, under)), 'SCOPE_MISMATCH', /symbolic link/);
      rmSync(path);
      denied(await ended(home.start(plan, under)), 'SCOPE_MISMATCH', /No such file/);
      mkdirSync(path);
      denied(await ended(home.start(plan, under)), 'SCOPE_MISMATCH', /no regular file/);
    });

    it('says why the kernel executes nothing', async () => {
      const path = home.file('text', 'echo no first line\n');
      denied(await run({ executable: path }), 'ENVIRONMENT_MISMATCH', /Exec format error.*#!/);
    });

    it('denies a working directory that leads elsewhere', async () => {
      symlinkSync('/usr', `${home.directory}/elsewhere`);
      const plan = { ...script('pwd'), cwd: `${home.directory}/elsewhere` };
      denied(await run(plan), 'SCOPE_MISMATCH', /leads elsewhere/);
      denied(await run({ ...script('pwd'), cwd: '/nowhere' }), 'SCOPE_MISMATCH', /cannot be entered/);
    });
  });
}
