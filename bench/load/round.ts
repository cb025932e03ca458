/** What a round of load is, and what came of it: what the benchmark and the generator's process tell each other. */

import type { Workload } from './requests.js';

/**
 * `closed`: every connection keeps so many requests in flight; an answer makes room for the next. Latencies of such a
 * round say how long requests took under a load that waits for them, no more.
 * `open`: arrivals by a fixed schedule, in turn over the connections. A latency counts from the scheduled time, also
 * for an arrival that had to wait because `maxOutstanding` requests were unanswered: no coordinated omission.
 */
export type Pace =
  | { readonly loop: 'closed'; readonly connections: number; readonly inFlight: number }
  | {
      readonly loop: 'open';
      readonly connections: number;
      readonly ratePerSecond: number;
      readonly maxOutstanding: number;
    };

export interface Round {
  readonly workload: Workload;
  readonly pace: Pace;
  /** Load that is not counted, at the beginning. */
  readonly warmUpMs: number;
  readonly durationMs: number;
  /** So many requests at most (warm-up included), whatever the time. */
  readonly maxRequests?: number;
}

/** An answer kept whole, with its request, both without newlines. */
export interface Sample {
  readonly request: string;
  readonly answer: string;
}

export interface RoundResult {
  /** From the end of the warm-up to the end of the load; a closed loop with hardly any answers goes on for longer. */
  readonly windowMs: number;
  /** Grants that came within that time. */
  readonly grantedInWindow: number;
  /** All grants of the round, warm-up and those that came after its end included. */
  readonly granted: number;
  /** Answers that were no grant, or to no request; and the text of the first. */
  readonly failures: number;
  readonly firstFailure: string | null;
  /** Latencies of the window's grants, as LatencyHistogram serializes them. */
  readonly latency: readonly number[];
  /** Open loop: by how much the latest request in the last tenth of the schedule was sent late. Else 0. */
  readonly sendDelayMs: number;
  /** Open loop: arrivals that were never sent, because too much was unanswered all the time. Their wait counts. */
  readonly unsent: number;
  /** Most requests that were unanswered at one time. */
  readonly mostOutstanding: number;
  /** Processor time of the generator itself, in microseconds. */
  readonly cpuUs: number;
  readonly samples: readonly Sample[];
}

/** To the generator's process; each is answered in turn. */
export type Order =
  | { readonly order: 'open'; readonly socketPath: string; readonly sampleOneIn: number }
  | { readonly order: 'run'; readonly round: Round }
  /** Writes everything acknowledged so far to a file (see acknowledgements.ts). */
  | { readonly order: 'save'; readonly file: string };

export type Reply =
  | { readonly reply: 'done' }
  | { readonly reply: 'result'; readonly result: RoundResult }
  | { readonly reply: 'failed'; readonly reason: string };
