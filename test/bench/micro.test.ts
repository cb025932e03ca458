import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureTasks } from '../../bench/micro.js';

test('tasks take turns: every round gives one figure of each', async () => {
  const calls = { plain: 0, promised: 0 };
  const tasks = [
    { name: 'plain', run: () => calls.plain++ },
    { name: 'promised', run: async () => calls.promised++ },
  ];
  const times = await measureTasks(tasks, { rounds: 2, taskMs: 1 });
  assert.deepEqual(
    times.map(({ length }) => length),
    [2, 2],
  );
  assert.ok(times.flat().every((us) => us >= 0));
  assert.ok(calls.plain >= 200 && calls.promised >= 200);
});

test('a task that fails stops everything', async () => {
  const failing = { name: 'failing', run: () => assert.fail('no') };
  await assert.rejects(measureTasks([failing], { rounds: 1, taskMs: 1 }), /no/);
  const rejecting = { name: 'rejecting', run: () => Promise.reject(new Error('never')) };
  await assert.rejects(measureTasks([rejecting], { rounds: 1, taskMs: 1 }), /never/);
});
