// V8 has two compilers for WASM, and either may be the one that runs: both must give the known answers.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const VECTORS = fileURLToPath(new URL('./vectors.test.js', import.meta.url));

const TIERS = [
  { name: 'the baseline compiler (Liftoff) alone', flags: ['--liftoff-only'] },
  { name: 'the optimising compiler (TurboFan) alone', flags: ['--no-liftoff'] },
];

describe('the known answers', () => {
  for (const { name, flags } of TIERS) {
    it(`come out under ${name}`, () => {
      // The runner marks its children by this variable; with it, the child's report would not be text.
      const { NODE_TEST_CONTEXT: _, ...environment } = process.env;
      const child = spawnSync(process.execPath, [...flags, '--test-reporter=tap', VECTORS], {
        encoding: 'utf8',
        env: environment,
      });
      assert.equal(child.status, 0, `${child.stdout}${child.stderr}`);
      assert.match(child.stdout, /^# tests 12$/m);
      assert.match(child.stdout, /^# pass 12$/m);
    });
  }
});
