/** What environment bindings cost the hot path: the same load on daemons that bind nothing, the usual, and everything. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareState } from '../../test/daemon/running-daemon.js';
import type { MeasuredRound } from '../load/measured-round.js';
import type { Workload } from '../load/requests.js';
import type { Comparison, Row, Section } from '../report/model.js';
import { spreadOf } from '../report/spread.js';
import { type Defer, scoped } from '../scope.js';
import { Trial, type TrialEnd } from '../trial.js';
import { closedRound, comparison, costOf, distinct, type Effort, rotation, truthLine } from './common.js';

const connections = 64;
const inFlight = 8;
/** Full bindings may cost 15 % of the throughput. */
const leastShare = 0.85;

const quickEffort: Effort = { rounds: 2, roundMs: 400, warmUpMs: 100 };
const fullEffort: Effort = { rounds: 7, roundMs: 1000, warmUpMs: 200 };

/** Everything that there is but the clock, which may come right in the middle of a round and fail it. */
const everything = [
  'machine',
  'namespaces',
  'interpreters',
  'cgroup',
  'container',
  'label',
  'caller.cwd',
  'caller.script',
];

/** `bind` null: as the daemon does by itself. */
const selections = [
  { name: 'nothing bound', bind: [], variables: [] },
  { name: 'the default: machine, namespaces, container, label', bind: null, variables: [] },
  {
    name: "all of it: also control group, directory, script and two variables of the caller's",
    bind: everything,
    variables: ['PATH', 'HOME'],
  },
] as const;

const workloads = [
  { name: 'authorize in rotation', workload: rotation, stocks: false },
  { name: 'authorize, every request distinct', workload: distinct, stocks: false },
  { name: 'redeem', workload: { kind: 'redeem' }, stocks: true },
] as const satisfies readonly {
  readonly name: string;
  readonly workload: Workload;
  readonly stocks: boolean;
}[];

/** One selection under one workload. */
interface Contestant {
  readonly selection: string;
  readonly workload: string;
  readonly rounds: MeasuredRound[];
  readonly run: () => Promise<MeasuredRound>;
}

export function bindings(quick: boolean): Promise<Section> {
  return scoped((defer) => measure(defer, quick));
}

async function measure(defer: Defer, quick: boolean): Promise<Section> {
  const effort = quick ? quickEffort : fullEffort;
  const trials: { readonly name: string; readonly trial: Trial }[] = [];
  for (const { name, bind, variables } of selections)
    trials.push({ name, trial: await startTrial(defer, quick, bind, variables) });
  const contestants = workloads.flatMap(({ name, workload, stocks }) =>
    trials.map(({ name: selection, trial }): Contestant => {
      const run = async (): Promise<MeasuredRound> => {
        if (stocks) await trial.round(closedRound(rotation, connections, inFlight, stockOf(effort)));
        return trial.round(closedRound(workload, connections, inFlight, effort));
      };
      return { selection, workload: name, rounds: [], run };
    }),
  );
  for (let round = 0; round <= effort.rounds; round++) {
    for (const { rounds, run } of contestants) rounds.push(await run());
  }
  // The first round warms up.
  for (const { rounds } of contestants) rounds.shift();
  return section(contestants, await Promise.all(trials.map(({ trial }) => trial.end())), effort);
}

async function startTrial(
  defer: Defer,
  quick: boolean,
  bind: readonly string[] | null,
  variables: readonly string[],
): Promise<Trial> {
  const stateDirectory = await prepareState();
  if (bind !== null) {
    const settings = `[environment]\nbind = ${JSON.stringify(bind)}\nvariables = ${JSON.stringify(variables)}\n`;
    writeFileSync(join(stateDirectory, 'writ.toml'), settings);
  }
  return Trial.start(defer, { quick, stateDirectory });
}

/** What a round redeems is granted before it, uncounted: more than it can redeem, as grants come quicker. */
function stockOf(effort: Effort): Effort {
  return { ...effort, roundMs: 1.4 * (effort.warmUpMs + effort.roundMs) };
}

function section(
  contestants: readonly Contestant[],
  ends: readonly TrialEnd[],
  { rounds, roundMs }: Effort,
): Section {
  return {
    name: 'bindings',
    title: 'what environment bindings cost',
    method: [
      `Closed loop, ${connections} connections, ${inFlight} in flight on each; ${rounds} rounds of ${roundMs} ms in turn, after one that is not counted.`,
      'Three daemons, each on a token of its own, that bind more and more; each waits idly while the others have their turn.',
    ],
    rows: contestants.map((contestant) => row(contestant, contestants)),
    plots: [],
    remarks: ends.map(truthLine),
    faults: ends.flatMap(({ faults }) => faults),
  };
}

function row({ selection, workload, rounds }: Contestant, all: readonly Contestant[]): Row {
  const rates = ratesOf(rounds);
  const baseline = all.find((other) => other.workload === workload);
  const comparisons: Comparison[] =
    baseline === undefined || baseline.selection === selection
      ? []
      : [
          comparison(rates, baseline.selection, ratesOf(baseline.rounds), {
            kind: 'at-least',
            ratio: leastShare,
          }),
        ];
  return {
    name: `${workload}; ${selection}`,
    unit: '/s',
    figure: spreadOf(rates),
    comparisons,
    ...costOf(rounds),
  };
}

function ratesOf(rounds: readonly MeasuredRound[]): number[] {
  return rounds.map(({ perSecond }) => perSecond);
}
