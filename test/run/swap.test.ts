// A file that is swapped as fast as it goes, while it is started again and again: never is the other content executed.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, realpathSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { ended, isRoot, LauncherHome, type Plan, stranger, type Under } from './exec-plan.js';

const shell = realpathSync('/bin/sh');
const starts = 25;

/** What swaps two contents of a file for ever: told the file and the two contents' files. */
const swappers = {
  'by rename': `
import os, sys
path, one, other = sys.argv[1:]
while True:
    for content in (other, one):
        os.link(content, path + ".new")
        os.rename(path + ".new", path)`,
  'in place': `
import errno, sys
path, one, other = sys.argv[1:]
contents = [open(name, "rb").read() for name in (other, one)]
while True:
    for content in contents:
        try:
            # Closed each time: what is open for writing is executed by nobody.
            with open(path, "r+b", buffering=0) as file:
                file.write(content)
        except OSError as error:
            # What is executed just now is opened for writing by nobody.
            if error.errno != errno.ETXTBSY:
                raise`,
} as const;

/** Files with two contents of the same length, of which the first ends with 0 and the second does not. */
function contents(home: LauncherHome, kind: 'program' | 'script'): readonly [string, string] {
  if (kind === 'script') {
    return [home.file('one', `#!${shell}\nexit 00\n`), home.file('other', `#!${shell}\nexit 42\n`)];
  }
  const [good, bad] = [readFileSync('/bin/true'), readFileSync('/bin/false')];
  const length = Math.max(good.length, bad.length);
  const padded = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(length - bytes.length)]);
  return [home.file('one', padded(good)), home.file('other', padded(bad))];
}

const situations: readonly { name: string; acts: readonly string[]; under: Under }[] = [
  { name: 'in a PID namespace', acts: [], under: {} },
  { name: 'as a plain child', acts: ['plain'], under: {} },
  ...(isRoot ? [{ name: 'in a PID namespace, by a user', acts: [], under: { uid: stranger } }] : []),
];

for (const [how, source] of Object.entries(swappers)) {
  for (const kind of ['program', 'script'] as const) {
    for (const { name, acts, under } of situations) {
      describe(`a ${kind} that is swapped ${how}, started ${name}`, () => {
        let home: LauncherHome;
        before(() => {
          home = new LauncherHome();
        });
        after(() => home.close());

        it('is executed as authorized or denied', async () => {
          const [one, other] = contents(home, kind);
          const path = home.file('swapped', readFileSync(one));
          const interpreters = kind === 'script' ? [shell] : [];
          const plan: Plan = { executable: path, interpreters, acts };
          const file = home.plan(plan, under);
          const swapper = spawn('/usr/bin/python3', ['-c', source, path, one, other], { stdio: 'inherit' });
          const closed = once(swapper, 'close');
          const swapping = () => assert.equal(swapper.exitCode, null, 'nothing swaps the file any more');
          try {
            const codes = new Map<number | null, number>();
            // At least so often, and until it was seen that the swapping has an effect.
            for (let start = 0; start < starts || !codes.has(125); start++) {
              swapping();
              const { code, stderr } = await ended(home.start(file, under));
              codes.set(code, (codes.get(code) ?? 0) + 1);
              if (code === 125) assert.match(stderr, /^SCOPE_MISMATCH: /);
              else assert.equal(code, 0, `the other content was executed: ${stderr}`);
            }
            // Without the launcher, the other content is executed now and then.
            while (!(await executesOther(home, path))) swapping();
          } finally {
            swapper.kill('SIGKILL');
            await closed;
          }
        });
      });
    }
  }
}

/** Whether the kernel, left alone, executed the other content just now. */
async function executesOther(home: LauncherHome, path: string): Promise<boolean> {
  const { code } = await ended(home.bare([shell, '-c', path], {}));
  // A shell says 126 and more where nothing was executed.
  return code === 1 || code === 42;
}
