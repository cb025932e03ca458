/** A fresh daemon on a fresh token, with load for it: what one group of trials runs against, and its end. */

import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Trust } from '../src/format/trust.js';
import { trustOf } from '../test/daemon/requests.js';
import { prepareState, type RunningDaemon, removeState, startDaemon } from '../test/daemon/running-daemon.js';
import { type Load, sampleFaults, startLoad } from './load/load.js';
import { type LogTruth, logTruth } from './load/log-truth.js';
import { type MeasuredRound, measuredRound } from './load/measured-round.js';
import type { Round } from './load/round.js';
import type { Defer } from './scope.js';

export interface TrialOptions {
  /** A quick trial warms up for less long, and digests no payloads again afterwards. */
  readonly quick: boolean;
  /** How much longer each signature of the token shall take. */
  readonly hsmDelayMs?: number;
  /** A state directory with a token, and a configuration perhaps; otherwise a fresh one. */
  readonly stateDirectory?: string;
}

/** Enough for V8 to have compiled what requests need; over sooner, the faster that is. */
const warmUp: Round = {
  workload: { kind: 'rotation', requests: 1000 },
  pace: { loop: 'closed', connections: 64, inFlight: 8 },
  warmUpMs: 0,
  durationMs: 3000,
  maxRequests: 10_000,
};
const quickWarmUpMs = 1000;

/** What a daemon did under all rounds of a trial, and what its log says of that. */
export interface TrialEnd {
  readonly grants: number;
  readonly sampled: number;
  readonly truth: LogTruth;
  /** Everything that went wrong; empty when nothing did. */
  readonly faults: readonly string[];
}

export class Trial {
  readonly daemon: RunningDaemon;
  readonly #load: Load;
  readonly #trust: Trust;
  readonly #payloads: LogTruth['payloads'];
  readonly #faults: string[] = [];
  #grants = 0;
  #sampled = 0;

  private constructor(daemon: RunningDaemon, load: Load, trust: Trust, payloads: LogTruth['payloads']) {
    this.daemon = daemon;
    this.#load = load;
    this.#trust = trust;
    this.#payloads = payloads;
  }

  /** Starts the daemon and its load, and warms both up. They end, and the state goes, at the end of the scope at the latest. */
  static async start(defer: Defer, { quick, hsmDelayMs = 0, ...options }: TrialOptions): Promise<Trial> {
    requireDisk();
    const stateDirectory = options.stateDirectory ?? (await prepareState());
    defer(() => removeState(stateDirectory));
    const environment = { WRIT_BENCH_HSM_DELAY_MS: String(hsmDelayMs), WRIT_LOG_LEVEL: 'info' };
    const daemon = await startDaemon({ stateDirectory, environment });
    defer(() => daemon.kill());
    const load = await startLoad(daemon.socketPath);
    defer(() => load.end());
    const payloads = quick ? 'not checked' : 'checked';
    const trial = new Trial(daemon, load, await trustOf(stateDirectory), payloads);
    await trial.round(quick ? { ...warmUp, durationMs: quickWarmUpMs } : warmUp);
    return trial;
  }

  /** Runs a round and verifies its samples. What went wrong is kept for the end. */
  async round(round: Round): Promise<MeasuredRound> {
    const measured = await measuredRound(this.#load, this.daemon.pid, round);
    const { granted, failures, firstFailure, samples } = measured.result;
    this.#grants += granted;
    this.#sampled += samples.length;
    const where = `${round.pace.loop} loop, ${round.pace.connections} connections, ${round.workload.kind}`;
    if (failures > 0)
      this.#faults.push(`${where}: ${failures} requests failed; the first answer: ${firstFailure}`);
    for (const fault of sampleFaults(samples, this.#trust)) this.#faults.push(`${where}: a sample: ${fault}`);
    return measured;
  }

  /** Stops the daemon and checks its log against everything acknowledged. */
  async end(): Promise<TrialEnd> {
    const { stateDirectory } = this.daemon;
    const file = join(stateDirectory, 'acknowledged');
    await this.#load.save(file);
    await this.#load.end();
    const code = await this.daemon.stop();
    if (code !== 0) this.#faults.push(`writd ended with ${String(code)}: ${this.daemon.log().slice(-500)}`);
    const truth = await logTruth(stateDirectory, this.#trust, [file], this.#payloads);
    if (truth.fault !== null) this.#faults.push(`the log is damaged: ${truth.fault}`);
    if (truth.missing > 0) this.#faults.push(`${truth.missing} acknowledged entries are not in the log`);
    return { grants: this.#grants, sampled: this.#sampled, truth, faults: this.#faults };
  }
}

/** What the log of a full run's longest trial may take, and more. */
const neededBytes = 8e9;

/** Throws where the disk could become full: a benchmark must not end that way for whoever else uses it. */
function requireDisk(): void {
  const { bavail, bsize } = statfsSync(tmpdir());
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes) return;
  const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);
  throw new Error(
    `${gigabytes(neededBytes)} GB of free disk are needed in ${tmpdir()}, and there are ${gigabytes(freeBytes)}; set TMPDIR`,
  );
}
