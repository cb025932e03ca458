import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LoopRoom, openLoop } from '../../../bench/load/loops.js';
import { OpenSchedule } from '../../../bench/load/schedule.js';

test('arrivals are even, whenever they are taken', () => {
  const schedule = new OpenSchedule(1000, 100, 50);
  assert.equal(schedule.count, 5);
  assert.equal(schedule.take(999), null);
  assert.equal(schedule.take(1000), 1000);
  assert.equal(schedule.take(1005), null);
  // Late takers get the times of the schedule, not their own.
  assert.deepEqual([schedule.take(9000), schedule.take(9000)], [1010, 1020]);
  assert.equal(schedule.nextMs, 1030);
  assert.deepEqual([schedule.take(9000), schedule.take(9000), schedule.take(9000)], [1030, 1040, null]);
  assert.equal(schedule.done, true);
  assert.equal(schedule.nextMs, Number.POSITIVE_INFINITY);
});

test('a schedule without a rate is refused', () => {
  for (const rate of [0, -1, Number.NaN]) assert.throws(() => new OpenSchedule(0, rate, 1), RangeError);
});

/** Takes note of what a loop sends. */
class Sent implements LoopRoom {
  outstanding = 0;
  ended = 0;
  readonly endMs: number;
  left = Number.POSITIVE_INFINITY;
  constructor(endMs: number) {
    this.endMs = endMs;
  }
  readonly sent: { readonly connection: number; readonly startMs: number }[] = [];
  send(connection: number, count: number, startMs: number): void {
    this.outstanding += count;
    this.sent.push({ connection, startMs });
  }
  endIfOver(): void {
    this.ended += 1;
  }
}

test('an arrival that finds too much unanswered waits, and its time counts from the schedule', () => {
  const room = new Sent(10);
  const pace = { loop: 'open', connections: 2, ratePerSecond: 1000, maxOutstanding: 2 } as const;
  const loop = openLoop(room, pace, new OpenSchedule(0, 1000, 10));
  loop.begin(5);
  assert.deepEqual(room.sent, [
    { connection: 0, startMs: 0 },
    { connection: 1, startMs: 1 },
  ]);
  room.outstanding = 1;
  loop.answered(0, 1, 5);
  assert.deepEqual(room.sent.at(-1), { connection: 0, startMs: 2 });
  assert.equal(loop.isOver(9), false);
  // Long after the end nothing is sent any more; those arrivals are known.
  room.outstanding = 0;
  loop.answered(0, 2, 1000);
  assert.equal(room.sent.length, 3);
  assert.equal(loop.isOver(1000), true);
  assert.deepEqual(loop.unsentMs(), [3, 4, 5, 6, 7, 8, 9]);
  loop.stop();
});

test('a loop that wakes up after its end says so, though nothing is answered any more', async () => {
  const pace = { loop: 'open', connections: 1, ratePerSecond: 100, maxOutstanding: 9 } as const;
  // By the clock of the process this schedule ended long ago.
  const startMs = performance.now() - 10_000;
  const room = new Sent(startMs + 30);
  const loop = openLoop(room, pace, new OpenSchedule(startMs, 100, 30));
  loop.begin(startMs);
  assert.equal(room.sent.length, 1);
  while (room.ended === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(room.sent.length, 1);
  assert.equal(loop.isOver(performance.now()), true);
  assert.equal(loop.unsentMs().length, 2);
});
