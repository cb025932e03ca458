/** A token that takes its time: what sealing many requests under one signature is for. */

import type { MeasuredRound } from '../load/measured-round.js';
import type { Workload } from '../load/requests.js';
import type { Plot, Row, Section } from '../report/model.js';
import { spreadOf } from '../report/spread.js';
import { number } from '../report/table.js';
import { type Defer, scoped } from '../scope.js';
import { Trial, type TrialEnd } from '../trial.js';
import {
  closedRound,
  comparison,
  costOf,
  distinct,
  type Effort,
  latencyOf,
  payloadCheck,
  rotation,
  told,
  truthLine,
} from './common.js';

const connections = 64;
const maxOutstanding = 2048;
const arrivalsPerSecond = 5000;
/** A YubiHSM2's pace. */
const slowMs = 145;
const otherDelaysMs: readonly number[] = [0, 5, 20, 50];

/** `roundMs` is that of the open loop; the plot's rounds are shorter. */
interface SlowEffort {
  readonly open: Effort;
  readonly closed: Effort;
}

const quickEffort: SlowEffort = {
  open: { rounds: 1, roundMs: 3000, warmUpMs: 1000 },
  closed: { rounds: 0, roundMs: 0, warmUpMs: 0 },
};
const fullEffort: SlowEffort = {
  open: { rounds: 3, roundMs: 10_000, warmUpMs: 2000 },
  closed: { rounds: 3, roundMs: 4000, warmUpMs: 1000 },
};

/** What arrives by the schedule. The goals are those of the slow token, not of evaluating every decision. */
const workloads: readonly Omit<Arrivals, 'rounds'>[] = [
  { workload: rotation, goals: true },
  { workload: distinct, goals: false },
];

interface Arrivals {
  readonly workload: Workload;
  readonly goals: boolean;
  readonly rounds: readonly MeasuredRound[];
}

/** Closed-loop figures at one delay. */
interface AtDelay {
  readonly delayMs: number;
  readonly rounds: readonly MeasuredRound[];
}

/** The goal at 145 ms, and (not when quick) a closed loop at this and other delays. */
export async function slowHsm(quick: boolean): Promise<Section> {
  const effort = quick ? quickEffort : fullEffort;
  const points: AtDelay[] = [];
  const ends: { readonly delayMs: number; readonly end: TrialEnd }[] = [];
  for (const delayMs of quick ? [] : otherDelaysMs) {
    const { rounds, end } = await scoped((defer) => measureDelay(defer, delayMs, effort.closed, quick));
    points.push({ delayMs, rounds });
    ends.push({ delayMs, end });
  }
  const slow = await scoped((defer) => measureSlow(defer, effort, quick));
  if (slow.closed.length > 0) points.push({ delayMs: slowMs, rounds: slow.closed });
  ends.push({ delayMs: slowMs, end: slow.end });
  return {
    name: 'slow-hsm',
    title: `a token that takes ${slowMs} ms for each signature, one after the other`,
    method: [
      `WRIT_BENCH_HSM_DELAY_MS=${slowMs} lengthens each signature inside the signer process; nothing else is changed.`,
      `Open loop: ${arrivalsPerSecond} arrivals/s over ${connections} connections, at most ${maxOutstanding} unanswered; latency from the scheduled time.`,
      `Closed loop: ${connections} connections, ${maxOutstanding / connections} in flight on each.`,
    ],
    rows: [...slow.open.flatMap(openRows), ...points.map(closedRow)],
    plots: points.length > 1 ? plotsOf(points) : [],
    remarks: ends.map(({ delayMs, end }) => `+${delayMs} ms: ${truthLine(end)}`),
    faults: ends.flatMap(({ delayMs, end }) => end.faults.map((fault) => `+${delayMs} ms: ${fault}`)),
  };
}

async function measureDelay(defer: Defer, hsmDelayMs: number, effort: Effort, quick: boolean) {
  const trial = await Trial.start(defer, { hsmDelayMs, payloads: payloadCheck(quick) });
  const rounds = await closedRounds(trial, effort);
  return { rounds, end: await trial.end() };
}

async function measureSlow(defer: Defer, { open, closed }: SlowEffort, quick: boolean) {
  const trial = await Trial.start(defer, { hsmDelayMs: slowMs, payloads: payloadCheck(quick) });
  const closedMeasured = await closedRounds(trial, closed);
  const pace = { loop: 'open', connections, ratePerSecond: arrivalsPerSecond, maxOutstanding } as const;
  const { warmUpMs, roundMs: durationMs } = open;
  const measured: Arrivals[] = [];
  for (const { workload, goals } of quick ? workloads.slice(0, 1) : workloads) {
    const rounds: MeasuredRound[] = [];
    while (rounds.length < open.rounds)
      rounds.push(await trial.round({ workload, pace, warmUpMs, durationMs }));
    measured.push({ workload, goals, rounds });
  }
  return { open: measured, closed: closedMeasured, end: await trial.end() };
}

async function closedRounds(trial: Trial, effort: Effort): Promise<MeasuredRound[]> {
  const inFlight = maxOutstanding / connections;
  const rounds: MeasuredRound[] = [];
  while (rounds.length < effort.rounds)
    rounds.push(await trial.round(closedRound(rotation, connections, inFlight, effort)));
  return rounds;
}

function openRows({ workload, goals, rounds }: Arrivals): Row[] {
  const what = workload.kind === 'distinct' ? 'every request distinct' : '1,000 requests in rotation';
  const perSecond = rounds.map((round) => round.perSecond);
  const p50Ms = rounds.map((round) => round.latency.percentile(50) / 1000);
  const unsent = rounds.reduce((sum, { result }) => sum + result.unsent, 0);
  const delayMs = Math.max(...rounds.map(({ result }) => result.sendDelayMs));
  const outstanding = Math.max(...rounds.map(({ result }) => result.mostOutstanding));
  return [
    {
      name: `open loop, ${what}: answers`,
      unit: '/s',
      figure: spreadOf(perSecond),
      comparisons: [
        comparison(
          perSecond,
          'arrivals',
          Array(rounds.length).fill(arrivalsPerSecond),
          goals ? { kind: 'at-least', ratio: 0.99 } : null,
        ),
      ],
      ...told(
        {
          notes: [
            `${unsent} arrivals never sent; towards the end sent at most ${number(delayMs)} ms late; at most ${outstanding} unanswered`,
          ],
          details: { unsent, sendDelayMs: delayMs, mostOutstanding: outstanding },
        },
        costOf(rounds),
      ),
    },
    {
      name: `open loop, ${what}: p50`,
      unit: 'ms',
      figure: spreadOf(p50Ms),
      comparisons: [
        comparison(
          p50Ms,
          `the token's ${slowMs} ms`,
          Array(rounds.length).fill(slowMs),
          goals ? { kind: 'at-most', ratio: 2 } : null,
        ),
      ],
      ...latencyOf('from the scheduled time', rounds),
    },
  ];
}

function closedRow({ delayMs, rounds }: AtDelay): Row {
  return {
    name: `closed loop, +${delayMs} ms a signature`,
    unit: '/s',
    figure: spreadOf(rounds.map(({ perSecond }) => perSecond)),
    comparisons: [],
    ...told(latencyOf('closed-loop latency', rounds), costOf(rounds)),
  };
}

function plotsOf(points: readonly AtDelay[]): Plot[] {
  const x = { label: 'added to each signature of the token, ms', scale: 'linear' } as const;
  const series = (name: string, value: (round: MeasuredRound) => number) => [
    {
      name,
      points: points.map(({ delayMs, rounds }) => ({
        x: delayMs,
        y: spreadOf(rounds.map(value)).median,
      })),
    },
  ];
  return [
    {
      title: 'Throughput against HSM latency',
      x,
      y: { label: 'authorizations/s', scale: 'linear' },
      series: series(`closed loop, ${maxOutstanding} in flight`, ({ perSecond }) => perSecond),
    },
    {
      title: 'Latency against HSM latency',
      x,
      y: { label: 'p50, ms', scale: 'linear' },
      series: series(
        `closed loop, ${maxOutstanding} in flight`,
        (round) => round.latency.percentile(50) / 1000,
      ),
    },
  ];
}
