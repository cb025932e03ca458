import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const deoptimizedCaller = fileURLToPath(new URL('./deoptimized-caller.js', import.meta.url));

test('a process that uses Cedar survives deoptimisation in the middle of a WebAssembly call', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [deoptimizedCaller], { timeout: 60_000 });
  assert.equal(stdout, 'survived\n');
});
