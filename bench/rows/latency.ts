/** How long one request takes: alone, and among others that arrive by a schedule. */

import { LatencyHistogram } from '../load/histogram.js';
import type { MeasuredRound } from '../load/measured-round.js';
import { fdatasyncMedianUs } from '../peers/fdatasync.js';
import { startTokenLoop } from '../peers/pkcs11.js';
import type { Plot, Row, Section, Series } from '../report/model.js';
import { spreadOf } from '../report/spread.js';
import { number } from '../report/table.js';
import { type Defer, scoped } from '../scope.js';
import { Trial } from '../trial.js';
import {
  closedRound,
  comparison,
  costOf,
  type Effort,
  latencyOf,
  rotation,
  told,
  truthLine,
} from './common.js';

const connections = 64;
const inFlight = 8;
const maxOutstanding = 2048;
const tokenMs = 100;

const quickEffort: Effort = { rounds: 2, roundMs: 400, warmUpMs: 100 };
const fullEffort: Effort = { rounds: 5, roundMs: 1500, warmUpMs: 300 };

/** One client by itself, then a schedule of half the rate that a closed loop reaches. */
export function latency(quick: boolean): Promise<Section> {
  return scoped((defer) => measure(defer, quick));
}

async function measure(defer: Defer, quick: boolean): Promise<Section> {
  const effort = quick ? quickEffort : fullEffort;
  const trial = await Trial.start(defer, { quick });
  const alone = await measureAlone(defer, trial, effort);
  const closed: MeasuredRound[] = [];
  const open: MeasuredRound[] = [];
  let ratePerSecond = 0;
  for (let round = 0; round <= effort.rounds; round++) {
    closed.push(await trial.round(closedRound(rotation, connections, inFlight, effort)));
    const rates = closed.map(({ perSecond }) => perSecond);
    ratePerSecond = Math.max(1, Math.round(spreadOf(rates).median / 2));
    const { roundMs: durationMs, warmUpMs } = effort;
    const pace = { loop: 'open', connections, ratePerSecond, maxOutstanding } as const;
    open.push(await trial.round({ workload: rotation, pace, warmUpMs, durationMs }));
  }
  closed.shift();
  open.shift();
  const end = await trial.end();
  const openRow: Row = {
    name: `open loop at ${ratePerSecond} arrivals/s: p50`,
    unit: 'ms',
    figure: spreadOf(open.map((round) => round.latency.percentile(50) / 1000)),
    comparisons: [],
    ...told(latencyOf('from the scheduled time', open), costOf(open)),
  };
  return {
    name: 'latency',
    title: 'of one client by itself, and of many that arrive by a schedule',
    method: [
      'One client, one request at a time: from writing a request to having its whole answer.',
      'fdatasync: 4 KiB appended to a file on the file system of the state directory. Token: C_SignInit + C_Sign.',
      `Open loop: half the rate of the closed loop, even arrivals over ${connections} connections; a latency counts from the time in the schedule.`,
    ],
    rows: [alone, openRow],
    plots: [distribution(closed, open, ratePerSecond)],
    remarks: [truthLine(end)],
    faults: end.faults,
  };
}

async function measureAlone(defer: Defer, trial: Trial, effort: Effort): Promise<Row> {
  const token = await startTokenLoop(trial.daemon.stateDirectory, defer);
  const rounds: MeasuredRound[] = [];
  const ownUs: number[] = [];
  const syncUs: number[] = [];
  const tokenUs: number[] = [];
  for (let round = 0; round <= effort.rounds; round++) {
    syncUs.push(fdatasyncMedianUs(trial.daemon.stateDirectory));
    tokenUs.push((await token.run(tokenMs)).medianUs);
    const measured = await trial.round(closedRound(rotation, 1, 1, effort));
    rounds.push(measured);
    ownUs.push(measured.latency.percentile(50));
  }
  for (const list of [rounds, ownUs, syncUs, tokenUs]) list.shift();
  const fdatasyncUs = spreadOf(syncUs).median;
  const signatureUs = spreadOf(tokenUs).median;
  const sumUs = syncUs.map((us, round) => us + (tokenUs[round] ?? Number.NaN));
  return {
    name: 'one client, one request at a time: p50',
    unit: 'us',
    figure: spreadOf(ownUs),
    comparisons: [
      comparison(ownUs, 'fdatasync + one signature of the token', sumUs, { kind: 'at-most', ratio: 3 }),
    ],
    ...told(
      {
        notes: [`fdatasync ${number(fdatasyncUs)} us, token ${number(signatureUs)} us`],
        details: { fdatasyncUs, signatureUs },
      },
      latencyOf('latency', rounds),
      costOf(rounds),
    ),
  };
}

const percents = [0, 10, 25, 50, 75, 90, 95, 98, 99, 99.5, 99.9, 99.95, 99.99];

function distribution(
  closed: readonly MeasuredRound[],
  open: readonly MeasuredRound[],
  ratePerSecond: number,
): Plot {
  const series = (name: string, rounds: readonly MeasuredRound[]): Series => {
    const all = new LatencyHistogram();
    for (const round of rounds) all.add(round.latency);
    // Beyond one value in the total there is nothing to show.
    const shown = percents.filter((percent) => (100 - percent) * all.total >= 100);
    return {
      name,
      points: shown.map((percent) => ({ x: percent, y: all.percentile(percent) / 1000 })),
    };
  };
  return {
    title: 'Latency distribution',
    x: { label: 'percentile', scale: 'percentile' },
    y: { label: 'latency, ms', scale: 'log' },
    series: [
      series(`open loop, ${ratePerSecond}/s, from the scheduled time`, open),
      series(`closed loop, ${connections} x ${inFlight}, waits for answers`, closed),
    ],
  };
}
