/** What the rows of the end-to-end benchmarks have in common. */

import type { CostPerRequest, MeasuredRound } from '../load/measured-round.js';
import type { Workload } from '../load/requests.js';
import type { Round } from '../load/round.js';
import type { Comparison, Goal } from '../report/model.js';
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

/** Processor time for each grant: where it was spent, medians of the rounds. */
export function costNotes(rounds: readonly MeasuredRound[]): string[] {
  const us = (pick: (cost: CostPerRequest) => number): string =>
    number(spreadOf(rounds.map(({ cost }) => pick(cost))).median);
  const threads = rounds.at(-1)?.cost.threads ?? [];
  const shown = threads.filter((thread) => thread.us >= 0.1).slice(0, 8);
  return [
    `CPU us each: daemon ${us((cost) => cost.daemonUs)} (main thread ${us((cost) => cost.mainThreadUs)}, others ${us((cost) => cost.otherThreadsUs)}), signer ${us((cost) => cost.signerUs)}, load generator ${us((cost) => cost.generatorUs)}`,
    `  by thread: ${shown.map(({ thread, us: time }) => `${thread} ${number(time)}`).join(', ')}`,
  ];
}

/** Percentiles in milliseconds, medians of the rounds. */
export function latencyNote(label: string, rounds: readonly MeasuredRound[]): string {
  const at = (percent: number): string =>
    number(spreadOf(rounds.map(({ latency }) => latency.percentile(percent))).median / 1000);
  const longest = number(Math.max(...rounds.map(({ latency }) => latency.maxUs)) / 1000);
  return `${label}, ms: p50 ${at(50)}, p90 ${at(90)}, p99 ${at(99)}, p99.9 ${at(99.9)}, max ${longest}`;
}

/** What the log of a trial's daemon says of what was acknowledged. */
export function truthLine({ grants, sampled, truth }: TrialEnd): string {
  const whole = truth.fault === null ? 'whole' : 'DAMAGED';
  return `log afterwards: ${truth.entries} entries, ${whole} (payloads ${truth.payloads}); ${truth.acknowledged} of ${grants} grants looked up, missing ${truth.missing}; ${sampled} answers verified in full`;
}

/** How thoroughly a log is checked after the load: digesting every payload again takes longer than a quick run may. */
export function payloadCheck(quick: boolean): 'checked' | 'not checked' {
  return quick ? 'not checked' : 'checked';
}
