/**
 * What a log of many entries costs: memory, restarts, old proofs, and authorizations beside those of a daemon with a
 * short log. Both logs are made through the real append code (fixture.ts).
 */

import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { connect, type WritClient } from '../src/client/client.js';
import { echo } from '../test/daemon/requests.js';
import { prepareState, type RunningDaemon, removeState, startDaemon } from '../test/daemon/running-daemon.js';
import { diskBytes, type Fixture, makeFixture, requireRoom } from './fixture.js';
import { type Load, startLoad } from './load/load.js';
import { type MeasuredRound, measuredRound } from './load/measured-round.js';
import type { Goal, Row, Section } from './report/model.js';
import { type Spread, spreadOf } from './report/spread.js';
import { closedRound, comparison, costOf, type Effort, rotation } from './rows/common.js';
import { type Defer, scoped } from './scope.js';

export interface LogSizeOptions {
  readonly entries: number;
  /** A state directory with a fixture of that size that is there already; it is changed, and kept. */
  readonly stateDirectory?: string | undefined;
  /** Whether the index is made anew and timed, which takes the longest of all. Otherwise it catches up meanwhile. */
  readonly withIndex?: boolean | undefined;
}

const shortEntries = 10_000;
const connections = 64;
const inFlight = 8;
const oldReads = 1000;
const restarts = 3;
const effort: Effort = { rounds: 7, roundMs: 2500, warmUpMs: 300 };
const indexPatienceMs = 3_600_000;

/** One daemon on its log, with load for it. */
interface Loaded {
  readonly daemon: RunningDaemon;
  readonly load: Load;
  readonly rounds: MeasuredRound[];
}

interface Memory {
  readonly residentMb: number;
  readonly highestMb: number;
}

interface Reads {
  readonly proofMs: readonly number[];
  readonly entryMs: readonly number[];
}

interface Measured {
  readonly fixture: Fixture | null;
  readonly diskGb: number;
  readonly startMs: number[];
  readonly killedStartMs: number;
  readonly afterStart: Memory;
  readonly afterLoad: Memory;
  readonly reads: Reads;
  readonly indexSeconds: number | null;
  readonly short: readonly MeasuredRound[];
  readonly long: readonly MeasuredRound[];
}

/** Measures a log of so many entries. Throws when the disk has no room for it. */
export function benchLogSize(options: LogSizeOptions): Promise<Section> {
  return scoped(async (defer) => section(options, await measure(defer, options)));
}

async function measure(defer: Defer, options: LogSizeOptions): Promise<Measured> {
  const { entries, stateDirectory: given, withIndex = true } = options;
  const tell = (line: string): void => console.log(`  ${line}`);
  const stateDirectory = given ?? (await freshState(defer));
  if (given === undefined) await requireRoom(stateDirectory, entries);
  const fixture = given === undefined ? await makeFixture(stateDirectory, entries, tell) : null;
  const shortDirectory = await freshState(defer);
  await makeFixture(shortDirectory, shortEntries, tell);
  const diskGb = (await diskBytes(stateDirectory)) / 1e9;

  const startMs: number[] = [];
  const indexSeconds = withIndex ? await remadeIndex(defer, stateDirectory, entries) : null;
  for (let restart = 0; restart < restarts; restart++)
    await (await answering(defer, stateDirectory, startMs)).stop();

  const long = await loaded(defer, await answering(defer, stateDirectory, startMs));
  const short = await loaded(defer, await startDaemon({ stateDirectory: shortDirectory }));
  const afterStart = memoryOf(long.daemon);
  const reads = await readOld(long.daemon, entries);
  await alternate(short, long);
  const afterLoad = memoryOf(long.daemon);
  await long.daemon.kill();
  const killed: number[] = [];
  await (await answering(defer, stateDirectory, killed)).stop();
  const killedStartMs = killed[0] ?? Number.NaN;
  return {
    ...{ fixture, diskGb, startMs, killedStartMs, afterStart, afterLoad, reads, indexSeconds },
    short: short.rounds,
    long: long.rounds,
  };
}

async function freshState(defer: Defer): Promise<string> {
  const directory = await prepareState();
  defer(() => removeState(directory));
  return directory;
}

/** Starts a daemon and notes how long it took from there to its first answer and its first grant. */
async function answering(defer: Defer, stateDirectory: string, startMs: number[]): Promise<RunningDaemon> {
  const beganMs = performance.now();
  const daemon = await startDaemon({ stateDirectory });
  defer(() => daemon.kill());
  const writ = await connect({ socketPath: daemon.socketPath });
  const answer = await writ.authorize({ action: echo('first') });
  startMs.push(performance.now() - beganMs);
  await writ.close();
  if (answer.decision === 'deny') throw new Error(answer.denials[0].message);
  return daemon;
}

async function loaded(defer: Defer, daemon: RunningDaemon): Promise<Loaded> {
  defer(() => daemon.kill());
  const load = await startLoad(daemon.socketPath);
  defer(() => load.end());
  return { daemon, load, rounds: [] };
}

/** Seconds that the index takes when it is made from nothing. */
async function remadeIndex(defer: Defer, stateDirectory: string, entries: number): Promise<number> {
  await rm(join(stateDirectory, 'index.sqlite'), { force: true });
  const daemon = await answering(defer, stateDirectory, []);
  const seconds = await indexed(daemon, stateDirectory, entries);
  await daemon.stop();
  return seconds;
}

/** Seconds until the index covers the log. */
async function indexed(daemon: RunningDaemon, stateDirectory: string, entries: number): Promise<number> {
  const beganMs = performance.now();
  while (performance.now() - beganMs < indexPatienceMs) {
    if (indexPosition(join(stateDirectory, 'index.sqlite')) >= entries)
      return (performance.now() - beganMs) / 1000;
    await pause(200);
  }
  throw new Error(`the index did not cover the log in time: ${daemon.log().slice(-500)}`);
}

function indexPosition(path: string): number {
  if (!existsSync(path)) return 0;
  try {
    const database = new Database(path, { readonly: true });
    const size = database.prepare<[], number>('SELECT size FROM position').pluck().get();
    database.close();
    return size ?? 0;
  } catch {
    // It is being made.
    return 0;
  }
}

/** Proofs and entries from anywhere in the log, one at a time. */
async function readOld(daemon: RunningDaemon, entries: number): Promise<Reads> {
  const writ = await connect({ socketPath: daemon.socketPath });
  const timed = async (ask: (writ: WritClient, index: number) => Promise<{ readonly decision: string }>) => {
    const times: number[] = [];
    while (times.length < oldReads) {
      const index = Math.floor(Math.random() * entries);
      const beganMs = performance.now();
      const { decision } = await ask(writ, index);
      times.push(performance.now() - beganMs);
      if (decision !== 'allow') throw new Error(`entry ${index} was not given`);
    }
    return times.sort((left, right) => left - right);
  };
  const proofMs = await timed((client, index) => client.proof({ index }));
  const entryMs = await timed((client, index) => client.entry({ index }));
  await writ.close();
  return { proofMs, entryMs };
}

/** The same load on both daemons, in turns; the first turn warms up. */
async function alternate(...both: readonly Loaded[]): Promise<void> {
  for (let round = 0; round <= effort.rounds; round++) {
    for (const { daemon, load, rounds } of round % 2 === 0 ? both : both.toReversed()) {
      const measured = await measuredRound(
        load,
        daemon.pid,
        closedRound(rotation, connections, inFlight, effort),
      );
      if (measured.result.failures > 0) throw new Error(measured.result.firstFailure ?? 'a request failed');
      if (round > 0) rounds.push(measured);
    }
  }
}

/** Of the daemon's process alone; the signer has one of its own. */
function memoryOf({ pid }: RunningDaemon): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const megabytes = (field: string): number =>
    (Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024) / 1e6;
  return { residentMb: megabytes('VmRSS'), highestMb: megabytes('VmHWM') };
}

function section({ entries }: LogSizeOptions, measured: Measured): Section {
  const { fixture, diskGb, afterStart, afterLoad, reads, indexSeconds } = measured;
  const made =
    fixture === null ? 'was there already' : `was made in ${fixture.seconds.toFixed(0)} s by the append code`;
  return {
    name: 'log-size',
    title: `a log of ${entries} entries`,
    method: [
      `The log ${made}: records of about 200 bytes, of 16 four redemptions and one revocation; ${diskGb.toFixed(1)} GB without the index.`,
      'Start: from spawning writd to the answer of a first authorize. Memory: VmRSS and VmHWM of the daemon.',
      `Old entries: ${oldReads} random indexes, one request at a time over the socket; nothing was done to empty or fill the page cache.`,
      `Load: closed loop, ${connections} connections, ${inFlight} in flight, 1,000 requests in rotation, in turns with a daemon whose log has ${shortEntries} entries.`,
    ],
    rows: [
      goalRow('start to first grant', 'ms', spreadOf(measured.startMs), 3000),
      goalRow('start after kill -9 under load', 'ms', spreadOf([measured.killedStartMs]), 3000),
      goalRow('resident memory after the start', 'MB', spreadOf([afterStart.residentMb]), 300),
      goalRow('resident memory after the load', 'MB', spreadOf([afterLoad.residentMb]), 300),
      goalRow('highest resident memory', 'MB', spreadOf([afterLoad.highestMb]), 300),
      goalRow('proof of a random entry', 'ms', percentiles(reads.proofMs), 5),
      goalRow('a random entry itself', 'ms', percentiles(reads.entryMs), 5),
      costRow(measured),
      ...(indexSeconds === null ? [] : [indexRow(entries, indexSeconds)]),
    ],
    plots: [],
    faults: [],
    remarks: [],
  };
}

/** A figure that should not exceed a fixed one. */
function goalRow(name: string, unit: string, figure: Spread, limit: number): Row {
  const values = [figure.min, figure.median, figure.max];
  const goal: Goal = { kind: 'at-most', ratio: 1 };
  return {
    ...{ name, unit, figure },
    comparisons: [comparison(values, `${limit} ${unit}`, Array(values.length).fill(limit), goal)],
    notes: [],
    details: {},
  };
}

/** The median, with the smallest and the 99th percentile as its range; the largest is an accident of the machine. */
function percentiles(ascending: readonly number[]): Spread {
  const at = (percent: number): number =>
    ascending[Math.min(ascending.length - 1, Math.floor((ascending.length * percent) / 100))] ?? Number.NaN;
  return { min: at(0), median: at(50), max: at(99) };
}

function indexRow(entries: number, seconds: number): Row {
  return {
    name: 'index made anew, nothing else going on',
    unit: 's',
    figure: spreadOf([seconds]),
    comparisons: [],
    notes: [`${(entries / seconds).toFixed(0)} entries/s`],
    details: {},
  };
}

function costRow({ short, long }: Measured): Row {
  const cost = (rounds: readonly MeasuredRound[]) => rounds.map((round) => round.cost.daemonUs);
  const rate = (rounds: readonly MeasuredRound[]) => spreadOf(rounds.map((round) => round.perSecond));
  const goal: Goal = { kind: 'at-most', ratio: 1.15 };
  const rates = `authorizations/s: ${rate(long).median.toFixed(0)}, and ${rate(short).median.toFixed(0)} with the short log`;
  const told = costOf(long);
  return {
    name: 'processor time of the daemon for each authorization',
    unit: 'us',
    figure: spreadOf(cost(long)),
    comparisons: [comparison(cost(long), `the same with ${shortEntries} entries`, cost(short), goal)],
    notes: [rates, ...told.notes],
    details: told.details,
  };
}
