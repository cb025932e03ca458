/**
 * What `writ run` costs: the installed command with /bin/true, beside a bare start of /bin/true and of Node in the same rounds;
 * and where its time goes, by the launcher's own clock.
 */

import { spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { removeState, startDaemon } from '../test/daemon/running-daemon.js';
import type { Row, Section } from './report/model.js';
import { spreadOf } from './report/spread.js';
import { comparison } from './rows/common.js';
import { type Defer, scoped } from './scope.js';

/** The file that `npx writ` starts, as set-up links it. */
const installed = fileURLToPath(new URL('../../node_modules/.bin/writ', import.meta.url));
const program = '/bin/true';
/** How much longer than a bare start: authorize, redeem, lease and start together. */
const goalMs = 25;

/** The launcher's stages, in their order. */
const stages = [
  'connect',
  'authorize',
  'redeem',
  'prepare',
  'hold',
  'lease.open',
  'exec',
  'program',
  'lease.close',
] as const;
type Stage = (typeof stages)[number];
type Stages = Readonly<Record<Stage, number>>;

interface Round {
  readonly bareMs: number;
  readonly nodeMs: number;
  readonly runMs: number;
  readonly stages: Stages;
}

export function benchRun(quick: boolean): Promise<Section> {
  return scoped((defer) => measure(defer, quick ? 15 : 101));
}

async function measure(defer: Defer, rounds: number): Promise<Section> {
  const daemon = await startDaemon();
  defer(() => removeState(daemon.stateDirectory));
  defer(() => daemon.kill());
  const environment = { PATH: process.env.PATH, WRIT_HOME: daemon.stateDirectory, WRIT_RUN_STAGES: '1' };
  // The first runs digest the program, and compile the daemon's code.
  for (let run = 0; run < 20; run++) measureRound(environment);
  const measured = Array.from({ length: rounds }, () => measureRound(environment));
  return {
    name: 'run',
    title: `writ run -- ${program}, and nothing run at all`,
    method: [
      `From starting a process to its end, one at a time, in turn: ${program} itself, node -e 0, and ${realpathSync(installed)} run -- ${program}.`,
      'The end of the run is logged before the command ends (lease.close). That is part of its time, but none of what is awaited before the program runs, to which the target applies.',
      'Stages: CLOCK_MONOTONIC in the launcher, since the stage before.',
    ],
    rows: [
      ...wholeRows(measured),
      stageRow('until the program runs', stages.slice(0, stages.indexOf('exec') + 1), measured),
      ...stages.map((stage) => stageRow(`of that: ${stage}`, [stage], measured)),
    ],
    plots: [],
    remarks: [],
    faults: [],
  };
}

function measureRound(environment: NodeJS.ProcessEnv): Round {
  const bare = timed(program, [], environment);
  const node = timed(process.execPath, ['-e', '0'], environment);
  const run = timed(installed, ['run', '--', program], environment);
  const [, text] = /^stages (\{.*\})$/m.exec(run.stderr) ?? [];
  if (text === undefined) throw new Error(`writ run told no stages: ${run.stderr}`);
  return { bareMs: bare.ms, nodeMs: node.ms, runMs: run.ms, stages: JSON.parse(text) };
}

/** Throws unless the command ends with 0. */
function timed(
  command: string,
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
): { readonly ms: number; readonly stderr: string } {
  const startMs = performance.now();
  const { status, stderr } = spawnSync(command, words, {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  const ms = performance.now() - startMs;
  if (status !== 0) throw new Error(`${command} ${words.join(' ')} ended with ${status}: ${stderr}`);
  return { ms, stderr };
}

function wholeRows(rounds: readonly Round[]): readonly Row[] {
  const bare = rounds.map(({ bareMs }) => bareMs);
  const over = rounds.map(({ runMs, bareMs }) => runMs - bareMs);
  const started = rounds.map(({ runMs, bareMs, stages }) => runMs - bareMs - stages['lease.close'] / 1000);
  const goal = rounds.map(() => goalMs);
  const row = (name: string, ms: readonly number[], compared: Row['comparisons'] = []): Row => ({
    name,
    unit: 'ms',
    figure: spreadOf(ms),
    comparisons: compared,
    notes: [],
    details: { p90Ms: ms.toSorted((left, right) => left - right)[Math.floor(ms.length * 0.9)] ?? Number.NaN },
  });
  return [
    row(`bare ${program}`, bare),
    row(
      'node -e 0',
      rounds.map(({ nodeMs }) => nodeMs),
    ),
    row(
      `writ run -- ${program}`,
      rounds.map(({ runMs }) => runMs),
    ),
    row('writ run, over the bare start', over),
    row('authorize, redeem and start, over the bare start', started, [
      comparison(started, `${goalMs} ms`, goal, { kind: 'at-most', ratio: 1 }),
    ]),
  ];
}

/** What several stages took together. */
function stageRow(name: string, counted: readonly Stage[], rounds: readonly Round[]): Row {
  const ms = rounds.map((round) => counted.reduce((sum, stage) => sum + round.stages[stage] / 1000, 0));
  return { name, unit: 'ms', figure: spreadOf(ms), comparisons: [], notes: [], details: {} };
}
