import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closeAllScopes, scoped } from '../../bench/scope.js';

test('cleanups run backwards, each of them, also after a failure', async () => {
  const done: string[] = [];
  const work = scoped(async (defer) => {
    defer(async () => void done.push('first'));
    defer(async () => {
      done.push('second');
      throw new Error('a cleanup failed');
    });
    defer(async () => void done.push('third'));
    throw new Error('the work failed');
  });
  await assert.rejects(work, /the work failed/);
  assert.deepEqual(done, ['third', 'second', 'first']);
});

test('the failure of a cleanup is told when the work itself did not fail', async () => {
  const work = scoped(async (defer) => {
    defer(() => Promise.reject(new Error('a cleanup failed')));
    return 1;
  });
  await assert.rejects(work, /a cleanup failed/);
});

test('a program that is told to end cleans up everything that is open, once', async () => {
  const done: string[] = [];
  await scoped(async (outer) => {
    outer(async () => void done.push('outer'));
    await scoped(async (inner) => {
      inner(async () => void done.push('inner'));
      await closeAllScopes();
      assert.deepEqual(done, ['inner', 'outer']);
    });
  });
  assert.deepEqual(done, ['inner', 'outer']);
});
