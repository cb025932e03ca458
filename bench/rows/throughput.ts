/** Sealed authorizations and redemptions a second, beside ssh-agent and the bare token in alternated rounds. */

import type { CostPerRequest, MeasuredRound } from '../load/measured-round.js';
import type { Workload } from '../load/requests.js';
import type { Round } from '../load/round.js';
import { startTokenLoop, type TokenPeer } from '../peers/pkcs11.js';
import { type AgentPeer, startAgent } from '../peers/ssh-agent.js';
import { spent, threadTimes, totalOf } from '../processor-time.js';
import type { Comparison, Goal, Row, Section } from '../report/model.js';
import { type Spread, spreadOf } from '../report/spread.js';
import { number } from '../report/table.js';
import { type Defer, scoped } from '../scope.js';
import { Trial } from '../trial.js';

const connections = 64;
const inFlight = 8;
const distinctRequests = 1000;

interface Effort {
  readonly rounds: number;
  readonly roundMs: number;
  readonly warmUpMs: number;
}

const efforts: Readonly<Record<'quick' | 'full', Effort>> = {
  quick: { rounds: 3, roundMs: 1000, warmUpMs: 150 },
  full: { rounds: 9, roundMs: 2500, warmUpMs: 300 },
};

/** One way to sign, measured again in every round. */
interface Contestant {
  readonly rates: number[];
  readonly run: () => Promise<number>;
}

/** Takes about 25 seconds when quick. */
export function throughput(quick: boolean): Promise<Section> {
  return scoped((defer) => measure(defer, quick));
}

async function measure(defer: Defer, quick: boolean): Promise<Section> {
  const effort = efforts[quick ? 'quick' : 'full'];
  const trial = await Trial.start(defer, { payloads: quick ? 'not checked' : 'checked' });
  const agent = await startAgent(defer);
  const token = await startTokenLoop(trial.daemon.stateDirectory, defer);
  const measured = new Map<string, MeasuredRound[]>();
  const writ = (name: string, workload: Workload) =>
    contestant(async () => {
      const round = await trial.round(closedRound(workload, effort));
      measured.set(name, [...(measured.get(name) ?? []), round]);
      return round.perSecond;
    });
  const agentCosts: number[] = [];
  const contestants = {
    agent1: agentContestant(agent, 1, effort, agentCosts),
    agent8: agentContestant(agent, 8, effort, []),
    token: tokenContestant(token, effort),
    rotation: writ('rotation', { kind: 'rotation', requests: distinctRequests }),
    distinct: writ('distinct', { kind: 'distinct' }),
    redeem: writ('redeem', { kind: 'redeem' }),
  };
  for (let round = 0; round <= effort.rounds; round++) {
    for (const { rates, run } of Object.values(contestants)) rates.push(await run());
  }
  // The first round warms up.
  for (const { rates } of Object.values(contestants)) rates.shift();
  for (const rounds of measured.values()) rounds.shift();
  const end = await trial.end();
  return section(contestants, measured, end, effort);
}

function contestant(run: () => Promise<number>): Contestant {
  return { rates: [], run };
}

function agentContestant(agent: AgentPeer, depth: number, { roundMs }: Effort, costs: number[]): Contestant {
  return contestant(async () => {
    const before = threadTimes(agent.pid);
    const result = await agent.run(connections, depth, roundMs);
    costs.push(totalOf(spent(before, threadTimes(agent.pid))) / result.signatures);
    return result.perSecond;
  });
}

function tokenContestant(token: TokenPeer, { roundMs }: Effort): Contestant {
  return contestant(async () => (await token.run(roundMs)).perSecond);
}

function closedRound(workload: Workload, { roundMs, warmUpMs }: Effort): Round {
  return { workload, pace: { loop: 'closed', connections, inFlight }, warmUpMs, durationMs: roundMs };
}

function section(
  {
    agent1,
    agent8,
    token,
    rotation,
    distinct,
    redeem,
  }: Readonly<Record<'agent1' | 'agent8' | 'token' | 'rotation' | 'distinct' | 'redeem', Contestant>>,
  measured: ReadonlyMap<string, readonly MeasuredRound[]>,
  end: Awaited<ReturnType<Trial['end']>>,
  effort: Effort,
): Section {
  // The peer gets the better of the two ways to ask it.
  const agent = spreadOf(agent1.rates).median >= spreadOf(agent8.rates).median ? agent1 : agent8;
  const agentName = `ssh-agent, ${agent === agent1 ? 1 : 8} in flight`;
  const compare = (own: Contestant, baseline: string, other: Contestant, goal: Goal | null): Comparison => ({
    baseline,
    baselineFigure: spreadOf(other.rates),
    ratio: spreadOf(own.rates.map((rate, round) => rate / (other.rates[round] ?? Number.NaN))),
    goal,
  });
  const row = (
    name: string,
    own: Contestant,
    comparisons: readonly Comparison[],
    rounds?: readonly MeasuredRound[],
  ): Row => ({
    name,
    unit: '/s',
    figure: spreadOf(own.rates),
    comparisons,
    notes: rounds === undefined ? [] : costNotes(rounds),
  });
  return {
    name: 'throughput',
    title: `${connections} connections, ${inFlight} requests in flight on each, closed loop`,
    method: [
      `${effort.rounds} rounds of ${effort.roundMs} ms, in turn with the peers; each answer is durable, logged and sealed by SoftHSM2.`,
    ],
    rows: [
      row('ssh-agent, Ed25519, 64 connections, 1 in flight', agent1, []),
      row('ssh-agent, Ed25519, 64 connections, 8 in flight', agent8, []),
      row('C_SignInit + C_Sign on the same token, one process', token, []),
      row(
        'authorize, 1,000 distinct requests in rotation',
        rotation,
        [
          compare(rotation, agentName, agent, { kind: 'at-least', ratio: 10 }),
          compare(rotation, 'C_SignInit + C_Sign', token, { kind: 'at-least', ratio: 3 }),
        ],
        measured.get('rotation'),
      ),
      row(
        'authorize, every request distinct',
        distinct,
        [compare(distinct, agentName, agent, { kind: 'at-least', ratio: 5 })],
        measured.get('distinct'),
      ),
      row(
        'redeem, each authorization once',
        redeem,
        [compare(redeem, 'authorize in rotation', rotation, { kind: 'at-least', ratio: 1 })],
        measured.get('redeem'),
      ),
    ],
    plots: [],
    remarks: [truthLine(end)],
    faults: end.faults,
  };
}

/** What the log of a trial's daemon says of what was acknowledged. */
export function truthLine({ grants, sampled, truth }: Awaited<ReturnType<Trial['end']>>): string {
  return `log: ${truth.entries} entries, whole (payloads ${truth.payloads}); acknowledged ${truth.acknowledged} of ${grants} grants, missing ${truth.missing}; ${sampled} answers verified in full`;
}

/** Processor time for each request, and the latencies of the closed loop. */
export function costNotes(rounds: readonly MeasuredRound[]): string[] {
  const us = (pick: (cost: CostPerRequest) => number): string =>
    number(spreadOf(rounds.map(({ cost }) => pick(cost))).median);
  const latency = (percent: number): string =>
    milliseconds(rounds.map((round) => round.latency.percentile(percent)));
  const [last] = rounds.slice(-1);
  const threads = last?.cost.threads.filter((thread) => thread.us >= 0.05) ?? [];
  return [
    `CPU us a request: daemon ${us((cost) => cost.daemonUs)} (main thread ${us((cost) => cost.mainThreadUs)}, others ${us((cost) => cost.otherThreadsUs)}), signer ${us((cost) => cost.signerUs)}, load generator ${us((cost) => cost.generatorUs)}`,
    `  threads: ${threads.map(({ thread, us: time }) => `${thread} ${number(time)}`).join(', ')}`,
    `closed-loop latency ms: p50 ${latency(50)}, p99 ${latency(99)}`,
  ];
}

function milliseconds(values: readonly number[]): string {
  const { median }: Spread = spreadOf(values);
  return number(median / 1000);
}
