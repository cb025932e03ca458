/**
 * Micro-benchmarks by tinybench. It runs tasks one after another; a ratio of figures taken at different times says
 * little on a machine that does other things too. So every round runs each task for a short time, in turn, and each
 * round gives its own ratios.
 */

import { Bench } from 'tinybench';

export interface MicroTask {
  readonly name: string;
  readonly run: () => unknown;
}

export interface MicroEffort {
  readonly rounds: number;
  /** How long each task runs in a round. */
  readonly taskMs: number;
  /** How often each is called before, unless the default. */
  readonly warmUpCalls?: number;
}

/** So often at least, however long that takes: to say anything, and before that for V8 to have compiled everything. */
const leastCalls = { measured: 10, warmingUp: 200 };

/** Mean microseconds a call, round by round, of each task in the order given. Throws what a task throws. */
export async function measureTasks(
  tasks: readonly MicroTask[],
  { rounds, taskMs, warmUpCalls = leastCalls.warmingUp }: MicroEffort,
): Promise<number[][]> {
  const timesUs = tasks.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [position, task] of tasks.entries()) {
      const us = await runOnce(task, taskMs, round === 0 ? warmUpCalls : leastCalls.measured);
      // The first round warms up.
      if (round > 0) timesUs[position]?.push(us);
    }
  }
  return timesUs;
}

async function runOnce({ name, run }: MicroTask, taskMs: number, iterations: number): Promise<number> {
  const bench = new Bench({ time: taskMs, iterations, warmup: false, throws: true });
  bench.add(name, () => {
    // What a task returns must not be taken for tinybench's own options; a promise must be waited for.
    const returned = run();
    return returned instanceof Promise ? returned.then(() => undefined) : undefined;
  });
  await bench.run();
  const result = bench.tasks[0]?.result;
  if (result?.state !== 'completed') throw new Error(`${name} did not complete`);
  return result.latency.mean * 1000;
}
