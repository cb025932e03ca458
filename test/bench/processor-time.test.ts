import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { childrenOf, spent, threadTimes, totalOf } from '../../bench/processor-time.js';

test('what a thread spends is counted, on that thread', () => {
  const before = threadTimes(process.pid);
  const start = process.cpuUsage();
  let used = 0;
  while (used < 300_000) {
    const { user, system } = process.cpuUsage(start);
    used = user + system;
  }
  const times = spent(before, threadTimes(process.pid));
  const main = times.get(`main/${process.pid}`) ?? 0;
  // V8's own threads may have had a share; the kernel counts in ticks of 10 ms.
  assert.ok(main > 100_000, `${main} us on the main thread`);
  assert.ok(totalOf(times) >= main && totalOf(times) >= 250_000, `${totalOf(times)} us in all`);
});

test('children are found while they run', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await once(child, 'spawn');
  assert.ok(childrenOf(process.pid).includes(child.pid ?? 0));
  child.kill();
  await once(child, 'exit');
  assert.ok(!childrenOf(process.pid).includes(child.pid ?? 0));
  assert.equal(threadTimes(child.pid ?? 0).size, 0);
});

test('threads that began in between count in full', () => {
  const times = spent(
    new Map([['main/1', 5]]),
    new Map([
      ['main/1', 7],
      ['node/2', 3],
    ]),
  );
  assert.deepEqual(
    [...times],
    [
      ['main/1', 2],
      ['node/2', 3],
    ],
  );
});
