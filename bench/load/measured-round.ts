/** One round against a real daemon, with the processor time of everything that took part in it. */

import { childrenOf, type ProcessorTime, spent, threadTimes, totalOf } from '../processor-time.js';
import { LatencyHistogram } from './histogram.js';
import type { Load } from './load.js';
import type { Round, RoundResult } from './round.js';

/** Microseconds of processor time for each grant. */
export interface CostPerRequest {
  /** The daemon's process in all. */
  readonly daemonUs: number;
  /** Of that, the thread that runs its JavaScript. */
  readonly mainThreadUs: number;
  /** Of that, its other threads: workers, the file system's, V8's. */
  readonly otherThreadsUs: number;
  /** The processes that the daemon started: the signer. */
  readonly signerUs: number;
  readonly generatorUs: number;
  /** The daemon's threads that took any time, dearest first, by name and number. */
  readonly threads: readonly { readonly thread: string; readonly us: number }[];
}

export interface MeasuredRound {
  readonly result: RoundResult;
  readonly perSecond: number;
  readonly latency: LatencyHistogram;
  readonly cost: CostPerRequest;
}

/** Runs a round. Rejects when the load cannot be applied; failed requests are counted in the result. */
export async function measuredRound(load: Load, daemonPid: number, round: Round): Promise<MeasuredRound> {
  const daemonBefore = threadTimes(daemonPid);
  const childrenBefore = new Map(childrenOf(daemonPid).map((pid) => [pid, threadTimes(pid)]));
  const result = await load.run(round);
  const daemon = spent(daemonBefore, threadTimes(daemonPid));
  // A signer that was restarted meanwhile counts from its start; what the one before had spent is lost.
  const signer = childrenOf(daemonPid).map((pid) =>
    spent(childrenBefore.get(pid) ?? new Map(), threadTimes(pid)),
  );
  return {
    result,
    perSecond: result.windowMs > 0 ? (result.grantedInWindow * 1000) / result.windowMs : 0,
    latency: LatencyHistogram.deserialize(result.latency),
    cost: costOf(result, daemon, signer),
  };
}

function costOf(
  result: RoundResult,
  daemon: ProcessorTime,
  signer: readonly ProcessorTime[],
): CostPerRequest {
  const each = (us: number): number => us / Math.max(1, result.granted);
  const daemonUs = totalOf(daemon);
  const mainUs = [...daemon].reduce((sum, [thread, us]) => (thread.startsWith('main/') ? sum + us : sum), 0);
  return {
    daemonUs: each(daemonUs),
    mainThreadUs: each(mainUs),
    otherThreadsUs: each(daemonUs - mainUs),
    signerUs: each(signer.reduce((sum, times) => sum + totalOf(times), 0)),
    generatorUs: each(result.cpuUs),
    threads: [...daemon]
      .filter(([, us]) => us > 0)
      .map(([thread, us]) => ({ thread, us: each(us) }))
      .toSorted((left, right) => right.us - left.us),
  };
}
