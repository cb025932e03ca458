// What executes a script: the first line read as this machine's kernel reads it, and followed as far as it does.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { FileDigester } from '../../src/environment/file-digest.js';
import { type InterpretersMeasured, measureInterpreters } from '../../src/environment/interpreters.js';
import { parseScriptLine } from '../../src/environment/script-line.js';

let directory: string;
let digester: FileDigester;
before(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'writ-scripts-')));
  digester = new FileDigester();
});
after(async () => {
  await digester.close();
  rmSync(directory, { recursive: true });
});

function script(name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content, { mode: 0o755 });
  return path;
}

async function measured(path: string, workingDirectory = '/'): Promise<InterpretersMeasured> {
  const reading = await digester.digest(path, 'executable');
  assert.ok(reading.outcome === 'digested' && reading.script !== null, 'no script');
  return measureInterpreters(reading.script, Buffer.from(workingDirectory), (file) =>
    digester.digest(file, 'executable'),
  );
}

async function bindingsOf(path: string, workingDirectory?: string) {
  const interpreters = await measured(path, workingDirectory);
  if (interpreters.outcome === 'refused') assert.fail(interpreters.reason);
  return interpreters.bindings;
}

/**
 * What the kernel hands to the interpreter: its first argument or none, told by a program that prints its own; null when
 * the kernel does not execute the file. Node would fall back to a shell, so Python executes it.
 */
function kernelReads(path: string): { readonly argument: string | null } | null {
  const python = 'import os,sys\ntry: os.execv(sys.argv[1], ["x"])\nexcept OSError as e: sys.exit(111)';
  const run = spawnSync('/usr/bin/python3', ['-S', '-c', python, path], { cwd: directory });
  if (run.status === 111) return null;
  const words = run.stdout.toString('latin1').split('\0').slice(0, -1);
  return { argument: words.length === 3 ? (words[1] ?? null) : null };
}

describe('parseScriptLine', () => {
  const shown = (head: string) => {
    const line = parseScriptLine(Buffer.from(head, 'latin1'));
    return (
      line && [line.interpreter, line.argument].map((part) => part && Buffer.from(part).toString('latin1'))
    );
  };

  for (const [head, expected] of [
    ['#!/bin/sh\n', ['/bin/sh', null]],
    ['#!/bin/sh', ['/bin/sh', null]],
    ['#! \t /bin/sh \t \necho', ['/bin/sh', null]],
    ['#!/usr/bin/env -S a  b \n', ['/usr/bin/env', '-S a  b']],
    ['#!/bin/sh\t-e\t-u\n', ['/bin/sh', '-e\t-u']],
    ['#!relative\n', ['relative', null]],
    ['#!/bin/sh\r\n', ['/bin/sh\r', null]],
    ['#!/bin/sh\0-e\n', ['/bin/sh', null]],
    ['#!/bin/sh -e\0-u\n', ['/bin/sh', '-e']],
    ['#!/bin/sh ', ['/bin/sh', '']],
    ['#!\n', null],
    ['#!  \t\n/bin/sh\n', null],
    ['#!', null],
    ['#', null],
    ['', null],
    ['\x7fELF', null],
    [' #!/bin/sh\n', null],
    [`#!/${'x'.repeat(300)}\n`, null],
    [`#!/${'x'.repeat(253)}`, null],
    [`#!/${'x'.repeat(252)}`, [`/${'x'.repeat(252)}`, null]],
    [`#!/bin/sh ${'x'.repeat(300)}\n`, ['/bin/sh', 'x'.repeat(245)]],
    [`#!${' '.repeat(300)}\n`, null],
  ] as const) {
    it(`reads ${JSON.stringify(head.slice(0, 40))}${head.length > 40 ? ` (${head.length} bytes)` : ''}`, () => {
      assert.deepEqual(shown(head), expected);
    });
  }

  it('agrees with this kernel, whatever stands behind the path', () => {
    const part = fc.constantFrom(
      ' ',
      '\t',
      '\n',
      '\0',
      'a',
      '-b',
      '%%s',
      '\r',
      '\xff',
      ' '.repeat(60),
      'x'.repeat(110),
    );
    const heads = fc
      .tuple(fc.array(part, { maxLength: 4 }), fc.array(part, { maxLength: 6 }))
      .map(([before, behind]) => `#!${before.join('')}./print${behind.join('')}`);
    // Prints its arguments, each ended by a NUL. As it is a script itself, what is tried is one of two.
    writeFileSync(
      join(directory, 'print'),
      `#!/usr/bin/python3 -S\nimport os,sys\nfor word in sys.argv: sys.stdout.buffer.write(os.fsencode(word) + b"\\0")\n`,
      { mode: 0o755 },
    );
    fc.assert(
      fc.property(heads, (head) => {
        const path = script('tried', Buffer.from(head, 'latin1'));
        const line = parseScriptLine(Buffer.from(head, 'latin1'));
        const interpreter = line && Buffer.from(line.interpreter).toString('latin1');
        const argument = line?.argument ?? null;
        const expected =
          interpreter === './print'
            ? { argument: argument && Buffer.from(argument).toString('latin1') }
            : null;
        assert.deepEqual(kernelReads(path), expected, JSON.stringify(head));
      }),
      { numRuns: 60 },
    );
  });
});

describe('measureInterpreters', () => {
  it('binds the real file that a link leads to, with its digest', async () => {
    const shell = realpathSync('/bin/sh');
    const reading = await digester.digest(shell, 'executable');
    assert.ok(reading.outcome === 'digested');
    assert.deepEqual(await bindingsOf(script('plain', '#!/bin/sh\n')), [
      {
        name: 'interpreter.1',
        value: `sha3-512:${reading.digests.sha3_512} ${shell}`,
        source: reading.protection === 'root-only' ? 'kernel' : 'reported',
      },
    ]);
  });

  it('only reports an interpreter that a user could have changed', async () => {
    copyFileSync('/bin/sh', join(directory, 'sh'));
    const path = script('copied', `#!${join(directory, 'sh')}\n`);
    spawnSync('chmod', ['0777', join(directory, 'sh')]);
    assert.equal((await bindingsOf(path))[0]?.source, 'reported');
  });

  it('looks a relative path up where the action would run', async () => {
    mkdirSync(join(directory, 'there'));
    script('there/inner', '#!/bin/sh\n');
    const path = script('relative', '#!there/inner\n');
    const [first, second] = await bindingsOf(path, directory);
    assert.ok(first?.value.endsWith(` ${join(directory, 'there/inner')}`));
    assert.ok(second?.value.endsWith(` ${realpathSync('/bin/sh')}`));
    assert.equal((await measured(path, '/')).outcome, 'refused');
  });

  it('follows scripts as far as this kernel does, and no farther', async () => {
    let path = script('chain-0', '#!/bin/true\n');
    for (let depth = 1; depth <= 6; depth++) {
      path = script(`chain-${depth}`, `#!${path}\n`);
      const executed = kernelReads(path) !== null;
      const followed = (await measured(path)).outcome === 'measured';
      assert.equal(followed, executed, `${depth + 1} scripts`);
    }
    assert.equal(kernelReads(path), null, 'the limit was not reached');
  });

  it('refuses what could not be executed', async () => {
    const loop = join(directory, 'loop');
    script('loop', `#!${loop}\n`);
    for (const [path, reason] of [
      [loop, /more than 5 scripts/],
      [script('missing', '#!/none\n'), /cannot be measured: "\/none" cannot be read: ENOENT/],
      [script('data', '#!/etc/passwd\n'), /not executable by anybody/],
      [script('directory', '#!/usr\n'), /not a regular file/],
    ] as const) {
      const interpreters = await measured(path);
      assert.ok(interpreters.outcome === 'refused', path);
      assert.match(interpreters.reason, reason);
    }
  });
});
