// What a program may start in turn is enforced by the kernel.

import assert from 'node:assert/strict';
import { existsSync, realpathSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { ended, isRoot, LauncherHome, type Plan, stranger, type Under } from './exec-plan.js';

const [bash, ls, python] = ['/bin/bash', '/bin/ls', '/usr/bin/python3'].map((path) => realpathSync(path)) as [
  string,
  string,
  string,
];
const situations: readonly { name: string; acts: readonly string[]; under: Under }[] = [
  { name: 'in a PID namespace', acts: ['status'], under: {} },
  ...(isRoot
    ? [
        { name: 'in a PID namespace, by a user', acts: ['status'], under: { uid: stranger } },
        { name: 'as a plain child, by a user', acts: ['status', 'plain'], under: { uid: stranger } },
      ]
    : [{ name: 'as a plain child', acts: ['status', 'plain'], under: {} }]),
];

const linker = ['/lib64/ld-linux-x86-64.so.2', '/lib/ld-linux-aarch64.so.1'].find((path) => existsSync(path));

/** Executes a program from a file in memory, which lies in no file system. */
const fromMemory = `
import os
file = os.memfd_create("x")
os.write(file, open("${ls}", "rb").read())
os.execve(file, ["ls", "-d", "/"], {})`;

/** Calls execve by the number that it has for programs of 32 bits, on x86-64. */
const foreignCall = `
import ctypes, mmap
code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
# mov eax, 20 (getpid); int 0x80; ret
code.write(bytes([0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xc3]))
call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
print(call())`;

for (const { name, acts, under } of situations) {
  describe(`descend, ${name}`, () => {
    let home: LauncherHome;
    before(() => {
      home = new LauncherHome();
    });
    after(() => home.close());
    const run = (plan: Plan) => home.run({ acts, ...plan }, under);
    const bashRun = (source: string, descend: NonNullable<Plan['descend']>) =>
      run({ executable: bash, arguments: ['bash', '-c', source], descend });
    const pythonRun = (source: string, descend: NonNullable<Plan['descend']>) =>
      run({ executable: python, arguments: ['python3', '-c', source], descend });

    it('any: starts everything', async () => {
      const { stdout, stderr } = await bashRun('ls -d /; head -c 0 /dev/null && echo read', 'any');
      assert.equal(stdout, '/\nread\n');
      assert.match(stderr, /^held \d+ \S+ enforced\n/);
    });

    it('none: starts nothing, not even itself', async () => {
      const { stdout, stderr, code } = await bashRun(
        `echo alive; ${ls} -d /; ${bash} -c 'echo again'; exec ${ls}`,
        'none',
      );
      assert.equal(stdout, 'alive\n');
      assert.match(stderr, /^held \d+ \S+ enforced\n/);
      assert.equal(stderr.match(/Permission denied/g)?.length, 3, stderr);
      assert.equal(code, 126);
    });

    it('listed: renames and links files from one directory into another', async () => {
      const source = `
import os, tempfile
place = tempfile.TemporaryDirectory()
os.chdir(place.name)
os.mkdir("one"); os.mkdir("two"); open("one/file", "w").close()
os.rename("one/file", "two/file"); os.link("two/file", "one/file")
print("moved")`;
      const { stdout, stderr } = await pythonRun(source, [ls]);
      assert.equal(stdout, 'moved\n', stderr);
    });

    it('none: still forks', async () => {
      assert.equal((await bashRun('(echo child); echo $(echo text)', 'none')).stdout, 'child\ntext\n');
    });

    it('none: nothing by way of the dynamic linker or of memory', async () => {
      assert.match((await bashRun(`${linker} ${ls} -d /`, 'any')).stdout, /^\/\n$/);
      assert.match((await bashRun(`${linker} ${ls} -d /`, 'none')).stderr, /Permission denied/);
      assert.match((await pythonRun(fromMemory, 'none')).stderr, /PermissionError/);
    });

    it('listed: starts what is listed, and nothing else', async () => {
      const { stdout, stderr } = await bashRun(`${ls} -d /; ls -d /usr; cat /dev/null; id`, [ls]);
      assert.equal(stdout, '/\n/usr\n');
      assert.match(stderr, /^held \d+ \S+ enforced\n/);
      assert.equal(stderr.match(/Permission denied/g)?.length, 2, stderr);
    });

    it('listed: nothing from memory', async () => {
      assert.match((await pythonRun(fromMemory, [ls])).stderr, /PermissionError/);
    });

    it('listed: nothing by calls of another architecture', {
      skip: process.arch !== 'x64' && 'x86-64 alone',
    }, async () => {
      assert.match((await pythonRun(foreignCall, 'any')).stdout, /^\d+\n$/);
      assert.equal((await pythonRun(foreignCall, [ls])).stdout, '-13\n');
      assert.equal((await pythonRun(foreignCall, 'none')).stdout, '-13\n');
    });

    it('listed: denied when a listed file is another one', async () => {
      const path = home.copy('/bin/ls', 'listed');
      const plan = home.plan({ acts, executable: bash, descend: [path] }, under);
      home.copy('/bin/cat', 'listed');
      const { code, stderr } = await ended(home.start(plan, under));
      assert.equal(code, 125);
      assert.match(stderr, /SCOPE_MISMATCH: .*listed is not the file/);
    });

    it('listed: a file that could be changed is fixed by a copy, or said not to be enforced', async () => {
      const path = home.copy('/bin/ls', 'changeable');
      const source = `${path} -d /; cp ${bash} ${path}.new 2>/dev/null; ${ls} -d / 2>/dev/null`;
      const { stdout, stderr } = await bashRun(source, [path]);
      if (acts.includes('plain')) {
        assert.match(stderr, /^held \d+ plain not-enforced\n/);
      } else {
        assert.match(stderr, /^held \d+ \S+ enforced\n/);
        assert.equal(stdout, '/\n');
      }
    });
  });
}
