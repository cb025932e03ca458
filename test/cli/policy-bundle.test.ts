// `writ policy check`, `test` and `diff` as a person runs them, on directories alone.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { encodePolicyDocument } from '../../src/format/policy-document.js';
import { readBundleDirectory } from '../../src/policy/bundle-directory.js';
import { starterDirectory, withBundle } from '../policy/facts.js';
import { type Ended, writ } from './command-line.js';

const policy = (...words: readonly string[]): Promise<Ended> =>
  writ(['policy', ...words], { home: '/nonexistent', cwd: '/' });
const starter = await readFile(join(starterDirectory, 'starter.cedar'), 'utf8');

describe('writ policy', { timeout: 120_000 }, () => {
  test('check ends with 1 and names file, line and remedy of every fault', async () => {
    const sound = await policy('check', starterDirectory);
    assert.deepEqual([sound.exitCode, sound.stderr], [0, '']);
    assert.match(sound.stdout, /^sound\n {2}bundle +starter, version \d+\n/);
    await withBundle(
      { 'more.cedar': '\npermit (principal, action, resource);', 'tests/x.toml': '[[test]]\nname = "x"' },
      async (directory) => {
        const { exitCode, stdout } = await policy('check', directory);
        assert.equal(exitCode, 1);
        assert.match(stdout, /^unsound: 2 faults\n/);
        assert.match(
          stdout,
          /more\.cedar:2: the policy at line 2 has no usable @id annotation\.\n {4}Put @id/,
        );
        assert.match(stdout, /tests\/x\.toml: test "x": action: /);
        const { faults, outcome } = JSON.parse((await policy('check', directory, '--json')).stdout);
        assert.equal(outcome, 'unsound');
        assert.deepEqual(
          faults.map(({ line }: { readonly line: number | null }) => line),
          [2, null],
        );
      },
    );
  });

  test('test ends with 1 where a test fails, and with 2 where there is none', async () => {
    const passed = await policy('test', starterDirectory);
    assert.equal(passed.exitCode, 0);
    assert.match(passed.stdout, /^ok {6}anyone lists files \(tests\/starter\.toml\)\n/);
    assert.match(passed.stdout, /\n\d+ passed\n$/);
    const open = starter.replace(
      '@id("nobody-destroys-data")\nforbid',
      '@id("nobody-destroys-data")\npermit',
    );
    await withBundle({ 'starter.cedar': open }, async (directory) => {
      const { exitCode, stdout } = await policy('test', directory);
      assert.equal(exitCode, 1);
      assert.match(
        stdout,
        /\nnot ok {2}an operator destroys no data .*\n {10}expected deny, got allow by "nobody-destroys-data"\n/,
      );
      const { outcome, tests } = JSON.parse((await policy('test', directory, '--json')).stdout);
      assert.equal(outcome, 'failed');
      assert.ok(tests.some(({ failure }: { readonly failure: string | null }) => failure !== null));
    });
    await withBundle({ 'tests/starter.toml': null }, async (directory) => {
      const { exitCode, stderr } = await policy('test', directory);
      assert.equal(exitCode, 2);
      assert.match(stderr, /there are no tests/);
    });
    await withBundle({ 'bundle.toml': 'x = 1' }, async (directory) => {
      const { exitCode, stderr } = await policy('test', directory);
      assert.equal(exitCode, 2);
      assert.match(stderr, /bundle\.toml: .*writ policy check/);
    });
  });

  test('diff shows the lines of a changed policy, and says when nothing changed', async () => {
    await withBundle({}, async (directory) => {
      const same = await policy('diff', starterDirectory, directory);
      assert.deepEqual([same.exitCode, same.stdout], [0, 'the same bundle, byte for byte\n']);
      await writeFile(join(directory, 'starter.cedar'), `// Moved.\n${starter}`);
      assert.match((await policy('diff', starterDirectory, directory)).stdout, /^nothing changed in meaning/);
      await writeFile(join(directory, 'starter.cedar'), starter.replace('"shred", "wipefs"', '"shred"'));
      const { stdout } = await policy('diff', starterDirectory, directory);
      assert.match(stdout, /^policies\n {2}changed nobody-destroys-data\n/);
      assert.match(stdout, /^ {4}- {3}\["dd", .*"wipefs"\]/m);
      assert.match(stdout, /^ {4}\+ {3}\["dd", .*"shred"\]/m);
      const { policies } = JSON.parse((await policy('diff', starterDirectory, directory, '--json')).stdout);
      assert.equal(policies[0].name, 'nobody-destroys-data');
    });
  });

  test('diff reads the bundle that a policy document carries', async () => {
    const { document } = await readBundleDirectory(starterDirectory);
    await withBundle(
      { 'x.json': Buffer.from(encodePolicyDocument(document)).toString() },
      async (directory) => {
        const same = await policy('diff', starterDirectory, join(directory, 'x.json'));
        assert.equal(same.stdout, 'the same bundle, byte for byte\n', same.stderr);
        await writeFile(join(directory, 'x.json'), '{}');
        const wrong = await policy('diff', starterDirectory, join(directory, 'x.json'));
        assert.equal(wrong.exitCode, 2);
        assert.match(wrong.stderr, /x\.json: not a policy document/);
      },
    );
  });

  test('diff refuses what is no bundle, and digests that no state directory holds', async () => {
    for (const [word, problem] of [
      ['/nonexistent/x', /cannot be read/],
      ['0'.repeat(128), /holds no bundle with the digest/],
    ] as const) {
      const { exitCode, stderr } = await policy('diff', word, starterDirectory);
      assert.equal(exitCode, 2);
      assert.match(stderr, problem);
    }
  });
});
