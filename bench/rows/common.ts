/** What the rows of the end-to-end benchmarks have in common. */

import type { CostPerRequest, MeasuredRound } from '../load/measured-round.js';
import type { Workload } from '../load/requests.js';
import type { Round } from '../load/round.js';
import type { Comparison, Goal, Row } from '../report/model.js';
import { spreadOf } from '../report/spread.js';
import { number } from '../report/table.js';
import type { TrialEnd } from '../trial.js';

/** 1,000 different requests in turn. */
export const rotation: Workload = { kind: 'rotation', requests: 1000 };
export const distinct: Workload = { kind: 'distinct' };

/** How long rounds are, and how many. The first round of all is not counted. */
export interface Effort {
  readonly rounds: number;
  readonly roundMs: number;
  readonly warmUpMs: number;
}

export function closedRound(
  workload: Workload,
  connections: number,
  inFlight: number,
  { roundMs, warmUpMs }: Effort,
): Round {
  return { workload, pace: { loop: 'closed', connections, inFlight }, warmUpMs, durationMs: roundMs };
}

/** A figure with another one of the same rounds: the ratio is taken round by round. */
export function comparison(
  own: readonly number[],
  baseline: string,
  others: readonly number[],
  goal: Goal | null,
): Comparison {
  return {
    baseline,
    baselineFigure: spreadOf(others),
    ratio: spreadOf(own.map((value, round) => value / (others[round] ?? Number.NaN))),
    goal,
  };
}

/** What is told beside the figure of a row: in words, and as numbers. */
export type Told = Pick<Row, 'notes' | 'details'>;

/** Processor time for each grant: where it was spent, medians of the rounds. */
export function costOf(rounds: readonly MeasuredRound[]): Told {
  const us = (pick: (cost: CostPerRequest) => number): number =>
    spreadOf(rounds.map(({ cost }) => pick(cost))).median;
  const daemon = us((cost) => cost.daemonUs);
  const main = us((cost) => cost.mainThreadUs);
  const others = us((cost) => cost.otherThreadsUs);
  const signer = us((cost) => cost.signerUs);
  const generator = us((cost) => cost.generatorUs);
  const threads = rounds.at(-1)?.cost.threads ?? [];
  const shown = threads.filter((thread) => thread.us >= 0.1).slice(0, 8);
  return {
    notes: [
      `CPU us each: daemon ${number(daemon)} (main thread ${number(main)}, others ${number(others)}), signer ${number(signer)}, load generator ${number(generator)}`,
      `  by thread: ${shown.map(({ thread, us: time }) => `${thread} ${number(time)}`).join(', ')}`,
    ],
    details: {
      cpuDaemonUs: daemon,
      cpuMainThreadUs: main,
      cpuOtherThreadsUs: others,
      cpuSignerUs: signer,
      cpuGeneratorUs: generator,
    },
  };
}

/** Percentiles in milliseconds, medians of the rounds. */
export function latencyOf(label: string, rounds: readonly MeasuredRound[]): Told {
  const at = (percent: number): number =>
    spreadOf(rounds.map(({ latency }) => latency.percentile(percent))).median / 1000;
  const details = {
    p50Ms: at(50),
    p90Ms: at(90),
    p99Ms: at(99),
    p999Ms: at(99.9),
    maxMs: Math.max(...rounds.map(({ latency }) => latency.maxUs)) / 1000,
  };
  const { p50Ms, p90Ms, p99Ms, p999Ms, maxMs } = details;
  const text = `${label}, ms: p50 ${number(p50Ms)}, p90 ${number(p90Ms)}, p99 ${number(p99Ms)}, p99.9 ${number(p999Ms)}, max ${number(maxMs)}`;
  return { notes: [text], details };
}

/** All of these, in their order. */
export function told(...parts: readonly Told[]): Told {
  return {
    notes: parts.flatMap(({ notes }) => notes),
    details: Object.assign({}, ...parts.map(({ details }) => details)),
  };
}

/** What the log of a trial's daemon says of what was acknowledged. */
export function truthLine({ grants, sampled, truth }: TrialEnd): string {
  const whole = truth.fault === null ? 'whole' : 'DAMAGED';
  return `log afterwards: ${truth.entries} entries, ${whole} (payloads ${truth.payloads}); ${truth.acknowledged} of ${grants} grants looked up, missing ${truth.missing}; ${sampled} answers verified in full`;
}
