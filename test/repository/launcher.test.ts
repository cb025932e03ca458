import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { allocatorEnvironment, nodeFlags } from '../../src/daemon/process-settings.js';

const launcher = fileURLToPath(new URL('../../../bin/writd', import.meta.url));

test('bin/writd starts the daemon with the settings that tests and benchmarks use', () => {
  const script = readFileSync(launcher, 'utf8');
  assert.ok(script.includes(`exec node ${nodeFlags.join(' ')} `), 'the flags of node differ');
  for (const [name, value] of Object.entries(allocatorEnvironment))
    assert.ok(script.includes(`export ${name}="\${${name}:-${value}}"\n`), `${name} differs`);
});

test('bin/writd can be executed, and passes its arguments on', () => {
  assert.notEqual(statSync(launcher).mode & 0o111, 0);
  assert.match(execFileSync(launcher, ['--help'], { encoding: 'utf8' }), /^Usage: writd /);
});
