import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ExecuteRequest } from '../../src/format/action.js';
import { environmentDigest } from '../../src/format/environment-digest.js';
import { utf8Encode } from '../../src/format/utf8.js';

/** What a process that resolves its own last arguments sees: only a real process has real arguments. */
const script = `
  import { kernelsView } from '${new URL('../../src/cli/own-process.js', import.meta.url).href}';
  import { resolveCommand } from '${new URL('../../src/cli/resolve-command.js', import.meta.url).href}';
  try {
    const request = resolveCommand(process.argv.slice(1), kernelsView, process.env.PATH);
    console.log(JSON.stringify({ request }));
  } catch (cause) {
    console.log(JSON.stringify({ error: cause.message, name: cause.name }));
  }`;

interface Resolved {
  readonly request?: ExecuteRequest;
  readonly error?: string;
  readonly name?: string;
}

let home: string;
before(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'writ-resolve-')));
  for (const directory of ['first', 'second']) await mkdir(join(home, directory));
  await writeFile(join(home, 'first', 'tool'), 'not executable');
  await writeFile(join(home, 'second', 'tool'), '#!/bin/sh\n');
  await chmod(join(home, 'second', 'tool'), 0o755);
  await symlink(join(home, 'second', 'tool'), join(home, 'link'));
  await mkdir(join(home, 'first', 'folder'));
});
after(() => rm(home, { recursive: true }));

/** Resolves words in a process of its own; `words` may be given to a shell, for bytes that are no text. */
function resolve(words: readonly string[], environment: Record<string, string> = {}): Resolved {
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script, '--', ...words], {
    cwd: home,
    env: { PATH: `${home}/first:${home}/second`, ...environment },
    encoding: 'utf8',
  });
  return JSON.parse(stdout);
}

test('a name is searched in PATH past what cannot be executed, and links are resolved', () => {
  const { request } = resolve(['tool', 'a', '']);
  assert.equal(request?.executable, join(home, 'second', 'tool'));
  assert.deepEqual(request?.argv, ['tool', 'a', '']);
  assert.equal(request?.cwd, home);
  assert.equal(resolve(['./link']).request?.executable, join(home, 'second', 'tool'));
  assert.deepEqual(resolve(['./link']).request?.argv, ['./link']);
});

test('what is no executable file is refused', () => {
  for (const word of ['./first/tool', './first/folder', './none', './first/tool/deeper']) {
    const { name, error } = resolve([word]);
    assert.equal(name, 'UsageError');
    assert.equal(error, `${word} is not an executable file that this user may run`);
  }
  assert.equal(resolve(['folder']).error, 'there is no executable folder in PATH');
});

test('the environment digest is over the very variables that the process has', () => {
  const environment = { PATH: `${home}/second`, ODD: 'a=b\nc', EMPTY: '' };
  const { request } = resolve(['tool'], environment);
  const variables = Object.entries(environment).map(([name, value]) => utf8Encode(`${name}=${value}`));
  assert.equal(request?.environmentDigest, environmentDigest(variables));
});

test('arguments that are no UTF-8 are asked for byte for byte', () => {
  const shell = `exec "$NODE" --input-type=module -e "$SCRIPT" -- ./second/tool "$(printf '\\377x')"`;
  const { stdout } = spawnSync('/bin/sh', ['-c', shell], {
    cwd: home,
    env: { PATH: '/usr/bin:/bin', NODE: process.execPath, SCRIPT: script },
    encoding: 'utf8',
  });
  const { request }: Resolved = JSON.parse(stdout);
  assert.deepEqual(request?.argv, [
    './second/tool',
    { base64: Buffer.from([0xff, 0x78]).toString('base64') },
  ]);
});
