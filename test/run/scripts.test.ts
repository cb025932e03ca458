// Scripts and their interpreters, as Linux would find them, and held to the plan.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { ended, isRoot, LauncherHome, stranger, type Under } from './exec-plan.js';

const shell = realpathSync('/bin/sh');
const node = realpathSync(process.execPath);
const situations: readonly { name: string; under: Under }[] = [
  { name: 'by whoever runs this', under: {} },
  ...(isRoot ? [{ name: 'by a user', under: { uid: stranger } }] : []),
];

for (const { name, under } of situations) {
  describe(`scripts, ${name}`, () => {
    let home: LauncherHome;
    before(() => {
      home = new LauncherHome();
    });
    after(() => home.close());

    it('get the arguments that Linux would give them', async () => {
      const interpreter = home.copy('/bin/echo', 'interpreter');
      const script = home.file('script', `#! ${interpreter} \t one  argument \nrest\n`);
      const { stdout } = await home.run(
        { executable: script, arguments: ['anything', 'a', '', 'b c'], interpreters: [interpreter] },
        under,
      );
      assert.match(stdout, /^one {2}argument \S+\/script a {2}b c\n$/);
    });

    it('may be interpreted by scripts', async () => {
      const inner = home.file('inner', `#!${shell}\necho inner "$@"\n`);
      const outer = home.file('outer', `#!${inner} x\n`);
      const { stdout } = await home.run(
        { executable: outer, arguments: ['outer', 'last'], interpreters: [inner, shell] },
        under,
      );
      assert.match(stdout, /^inner x \S+\/outer last\n$/);
    });

    it('find what lies beside them, and beside their directories', async () => {
      home.file('beside.sh', 'echo from beside\n');
      const script = home.file(
        'looking.sh',
        `#!${shell}\nhere=$(dirname "$0")\n. "$here/beside.sh"\ncd "$here/../../usr" && pwd -P\n`,
      );
      const { stdout, stderr } = await home.run({ executable: script, interpreters: [shell] }, under);
      assert.equal(stdout, 'from beside\n/usr\n', stderr);
    });

    it('work in interpreters that look for the real path of a script', async () => {
      home.file('module.cjs', 'module.exports = 42;\n');
      const script = home.file('main.cjs', `#!${node}\nconsole.log(require('./module.cjs'));\n`);
      const { stdout, stderr } = await home.run({ executable: script, interpreters: [node] }, under);
      assert.equal(stdout, '42\n', stderr);
    });

    it('are read from a descriptor where there is no namespace to put them in', async () => {
      const script = home.file('plain.sh', `#!${shell}\necho "$0" "$1"\n`);
      const plan = { executable: script, arguments: ['x', 'y'], interpreters: [shell], acts: ['plain'] };
      assert.match((await home.run(plan, under)).stdout, /^\/proc\/self\/fd\/\d+ y\n$/);
    });

    const denied = async (plan: Parameters<LauncherHome['run']>[0], words: RegExp) => {
      const { code, stdout, stderr } = await home.run(plan, under);
      assert.deepEqual([code, stdout], [125, ''], stderr);
      assert.match(stderr, /^ENVIRONMENT_MISMATCH: /);
      assert.match(stderr, words);
    };

    it('are denied with interpreters that the plan does not name', async () => {
      const script = home.file('unnamed.sh', `#!${shell}\necho no\n`);
      await denied({ executable: script }, /says nothing of .*interpreter\.1/);
      await denied({ executable: script, interpreters: [node] }, /does not lead to/);
      await denied({ executable: script, interpreters: [shell, shell] }, /names interpreters that/);
      await denied({ executable: shell, interpreters: [shell] }, /names interpreters that/);
    });

    it('are denied with an interpreter of another content', async () => {
      const interpreter = home.copy('/bin/sh', 'changing');
      const script = home.file('changed.sh', `#!${interpreter}\necho no\n`);
      const plan = home.plan({ executable: script, interpreters: [interpreter] }, under);
      home.copy('/bin/cat', 'changing');
      const { code, stderr } = await ended(home.start(plan, under));
      assert.equal(code, 125);
      assert.match(stderr, /^ENVIRONMENT_MISMATCH: .*its digest differs/);
    });
  });
}

/** Executes a file, and not a shell in its place where Linux knows no way to. */
const execute = 'import os, sys; os.execv(sys.argv[1], sys.argv[1:])';

describe('the first line of a script', () => {
  it('means to the launcher what it means to Linux', async () => {
    const home = new LauncherHome();
    try {
      const interpreter = home.copy('/bin/echo', 'interpreter');
      const blanks = fc.constantFrom('', ' ', '\t', ' \t ', ' '.repeat(240));
      const piece = fc.constantFrom(' ', '\t', '\0', '\n', 'x', '-n', '\xff', 'y'.repeat(200), interpreter);
      const ending = fc.constantFrom('', '\n', '\n\n', '\0', ' ', 'z'.repeat(300));
      const head = fc
        .tuple(
          fc.constantFrom('#!', '#!', '#!', '#', '#! \n'),
          blanks,
          fc.array(piece, { maxLength: 4 }),
          ending,
        )
        .map(([mark, space, pieces, end]) => `${mark}${space}${interpreter}${pieces.join('')}${end}`);
      await fc.assert(
        fc.asyncProperty(head, async (text) => {
          const script = home.file('fuzzed', Buffer.from(text, 'latin1'));
          const plan = { executable: script, arguments: ['fuzzed', 'a'], interpreters: [interpreter] };
          const { code, stdout, stderr } = await home.run(plan);
          const linux = spawnSync('python3', ['-c', execute, script, 'a'], { encoding: 'latin1' });
          const said = (output: string) => output.replace(/\S*\/fuzzed\b/, 'fuzzed');
          assert.doesNotMatch(stderr, /Sanitizer|runtime error/);
          assert.equal(said(stdout), said(linux.stdout), stderr);
          assert.equal(code, linux.stdout === '' ? 125 : 0, stderr);
        }),
        { numRuns: 40 },
      );
    } finally {
      home.close();
    }
  });
});
