/** Throughput against the number of connections. */

import type { MeasuredRound } from '../load/measured-round.js';
import type { Section } from '../report/model.js';
import { spreadOf } from '../report/spread.js';
import { type Defer, scoped } from '../scope.js';
import { Trial } from '../trial.js';
import { closedRound, costOf, type Effort, latencyOf, rotation, told, truthLine } from './common.js';

const inFlight = 8;
const allCounts: readonly number[] = [1, 4, 16, 64, 256];
const quickCounts: readonly number[] = [1, 64, 256];

const quickEffort: Effort = { rounds: 1, roundMs: 400, warmUpMs: 100 };
const fullEffort: Effort = { rounds: 5, roundMs: 1500, warmUpMs: 300 };

export function connections(quick: boolean): Promise<Section> {
  return scoped((defer) => measure(defer, quick));
}

async function measure(defer: Defer, quick: boolean): Promise<Section> {
  const effort = quick ? quickEffort : fullEffort;
  const trial = await Trial.start(defer, { quick });
  const measured = (quick ? quickCounts : allCounts).map((count) => ({
    count,
    rounds: [] as MeasuredRound[],
  }));
  // Many connections first, and not counted: they warm everything up.
  await trial.round(closedRound(rotation, 64, inFlight, effort));
  for (let round = 0; round < effort.rounds; round++) {
    for (const { count, rounds } of measured)
      rounds.push(await trial.round(closedRound(rotation, count, inFlight, effort)));
  }
  const end = await trial.end();
  const rows = measured.map(({ count, rounds }) => ({
    name: `${count} connections, ${inFlight} in flight on each`,
    unit: '/s',
    figure: spreadOf(rounds.map(({ perSecond }) => perSecond)),
    comparisons: [],
    ...told(latencyOf('closed-loop latency', rounds), costOf(rounds)),
  }));
  return {
    name: 'connections',
    title: 'throughput against the number of connections',
    method: ['Closed loop, 1,000 distinct requests in rotation, the numbers of connections in turn.'],
    rows,
    plots: [
      {
        title: 'Throughput against connections',
        x: { label: 'connections', scale: 'log' },
        y: { label: 'authorizations/s', scale: 'linear' },
        series: [
          {
            name: `closed loop, ${inFlight} in flight on each`,
            points: measured.map(({ count }, at) => ({ x: count, y: rows[at]?.figure.median ?? Number.NaN })),
          },
        ],
      },
    ],
    remarks: [truthLine(end)],
    faults: end.faults,
  };
}
