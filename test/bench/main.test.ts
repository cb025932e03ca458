/** The command line of the benchmarks, as far as it goes without measuring. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { catalogue } from '../../bench/catalogue.js';

const main = fileURLToPath(new URL('../../bench/main.js', import.meta.url));

function run(...parameters: string[]) {
  return spawnSync(process.execPath, [main, ...parameters], { encoding: 'utf8', timeout: 60_000 });
}

test('--help lists every benchmark, and runs none', () => {
  const { status, stdout } = run('--help');
  assert.equal(status, 0);
  for (const [name, { about }] of Object.entries(catalogue)) {
    assert.ok(stdout.includes(`  ${name}`), name);
    assert.ok(stdout.includes(about), about);
  }
});

test('what cannot be run is refused before anything runs', () => {
  const refused: readonly (readonly [readonly string[], RegExp])[] = [
    [['throughput', 'nonesuch'], /no benchmark nonesuch/],
    [['throughput', '--slow'], /--slow/],
    [['throughput', '--entries', '-3'], /--entries/],
  ];
  for (const [parameters, reason] of refused) {
    const { status, stdout, stderr } = run(...parameters);
    assert.equal(status, 2, stderr);
    assert.match(stderr, reason);
    assert.equal(stdout, '');
  }
});
