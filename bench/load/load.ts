/** The benchmark's side of the generator: orders rounds, and verifies the samples that they bring. */

import { foreignness } from '../../src/client/answer-check.js';
import type { Methods } from '../../src/format/protocol.js';
import type { Trust } from '../../src/format/trust.js';
import { Child } from '../child.js';
import type { Order, Reply, Round, RoundResult, Sample } from './round.js';

export interface Load {
  /** Its processor time is in each result. */
  readonly pid: number;
  run(round: Round): Promise<RoundResult>;
  /** Writes everything acknowledged so far to a new file. */
  save(file: string): Promise<void>;
  /** Closes its connections and ends; a second call does nothing. */
  end(): Promise<void>;
}

/** One answer in so many, about, is verified in full. */
export const sampleOneIn = 512;

/** Starts a generator for the daemon at this socket. */
export async function startLoad(socketPath: string, everySample = sampleOneIn): Promise<Load> {
  const child = new Child<Order, Reply>(new URL('generator-main.js', import.meta.url));
  await child.ask({ order: 'open', socketPath, sampleOneIn: everySample });
  return {
    pid: child.pid,
    async run(round) {
      const reply = await child.ask({ order: 'run', round });
      if (reply.reply !== 'result') throw new Error('the generator gave no result');
      return reply.result;
    },
    async save(file) {
      await child.ask({ order: 'save', file });
    },
    end: () => child.end(),
  };
}

/** What is wrong with each sample that does not verify offline as the answer to its own request; empty when all do. */
export function sampleFaults(samples: readonly Sample[], trust: Trust): string[] {
  return samples.map((sample) => sampleFault(sample, trust)).filter((fault) => fault !== null);
}

function sampleFault({ request, answer }: Sample, trust: Trust): string | null {
  const asked: RequestLine = JSON.parse(request);
  const given: { readonly id: number; readonly result: Methods['authorize']['result'] } = JSON.parse(answer);
  if (given.id !== asked.id) return `an answer to ${given.id} was taken for that to ${asked.id}`;
  if (given.result.decision !== 'allow') return 'a denial was taken for a grant';
  return asked.method === 'authorize'
    ? foreignness('authorize', asked.params, given.result, trust)
    : foreignness('redeem', asked.params, given.result, trust);
}

/** A line that requests.ts wrote. */
type RequestLine = { readonly id: number } & {
  readonly [M in 'authorize' | 'redeem']: { readonly method: M; readonly params: Methods[M]['params'] };
}['authorize' | 'redeem'];
