/** Sealed authorizations and redemptions a second, beside ssh-agent and the bare token in alternated rounds. */

import type { MeasuredRound } from '../load/measured-round.js';
import type { Workload } from '../load/requests.js';
import { startTokenLoop } from '../peers/pkcs11.js';
import { startAgent } from '../peers/ssh-agent.js';
import type { Comparison, Row, Section } from '../report/model.js';
import { spreadOf } from '../report/spread.js';
import { type Defer, scoped } from '../scope.js';
import { Trial, type TrialEnd } from '../trial.js';
import {
  closedRound,
  comparison,
  costNotes,
  distinct,
  type Effort,
  latencyNote,
  payloadCheck,
  rotation,
  truthLine,
} from './common.js';

const connections = 64;
const inFlight = 8;

const quickEffort: Effort = { rounds: 3, roundMs: 700, warmUpMs: 100 };
const fullEffort: Effort = { rounds: 9, roundMs: 2500, warmUpMs: 300 };

/** What takes turns. Each gives a rate a second. */
interface Contestants {
  readonly agent1: Contestant;
  readonly agent8: Contestant;
  readonly token: Contestant;
  readonly rotation: Contestant;
  readonly distinct: Contestant;
  readonly redeem: Contestant;
}

interface Contestant {
  readonly rates: number[];
  /** The daemon's rounds; none for its peers. */
  readonly rounds: MeasuredRound[];
  readonly run: () => Promise<number>;
}

/** The goals of sealing many requests under one signature, and what the peers do meanwhile. */
export function throughput(quick: boolean): Promise<Section> {
  return scoped((defer) => measure(defer, quick));
}

async function measure(defer: Defer, quick: boolean): Promise<Section> {
  const effort = quick ? quickEffort : fullEffort;
  const trial = await Trial.start(defer, { payloads: payloadCheck(quick) });
  const contestants = await contestantsOf(defer, trial, effort);
  for (let round = 0; round <= effort.rounds; round++) {
    for (const { rates, run } of Object.values({ ...contestants })) rates.push(await run());
  }
  // The first round warms up.
  for (const { rates, rounds } of Object.values({ ...contestants })) {
    rates.shift();
    rounds.shift();
  }
  return section(contestants, await trial.end(), effort);
}

async function contestantsOf(defer: Defer, trial: Trial, effort: Effort): Promise<Contestants> {
  const agent = await startAgent(defer);
  const token = await startTokenLoop(trial.daemon.stateDirectory, defer);
  const peer = (run: () => Promise<{ readonly perSecond: number }>): Contestant => {
    return { rates: [], rounds: [], run: async () => (await run()).perSecond };
  };
  const writ = (workload: Workload): Contestant => {
    const rounds: MeasuredRound[] = [];
    const run = async (): Promise<number> => {
      const measured = await trial.round(closedRound(workload, connections, inFlight, effort));
      rounds.push(measured);
      return measured.perSecond;
    };
    return { rates: [], rounds, run };
  };
  return {
    agent1: peer(() => agent.run(connections, 1, effort.roundMs)),
    agent8: peer(() => agent.run(connections, inFlight, effort.roundMs)),
    token: peer(() => token.run(effort.roundMs)),
    rotation: writ(rotation),
    distinct: writ(distinct),
    redeem: writ({ kind: 'redeem' }),
  };
}

function section(contestants: Contestants, end: TrialEnd, { rounds, roundMs }: Effort): Section {
  const { agent1, agent8, token, rotation, distinct, redeem } = contestants;
  // The peer gets the better of the two ways to ask it.
  const bestDepth = spreadOf(agent1.rates).median >= spreadOf(agent8.rates).median ? 1 : inFlight;
  const agent = bestDepth === 1 ? agent1 : agent8;
  const agentName = `ssh-agent with ${bestDepth} in flight`;
  return {
    name: 'throughput',
    title: `${connections} connections, ${inFlight} requests in flight on each, closed loop`,
    method: [
      `${rounds} rounds of ${roundMs} ms, in turn with the peers, after one that is not counted.`,
      'Each answer counted is a whole line of a grant: durable, logged, sealed under a checkpoint that SoftHSM2 signed.',
      `The load generator is a process of its own on the same processors, as the peers' are.`,
    ],
    rows: [
      row('ssh-agent: Ed25519 over its socket, 64 connections', agent1, []),
      row('the same, 8 in flight on each', agent8, []),
      row('C_SignInit + C_Sign on the same token, in a loop', token, []),
      row('authorize, 1,000 distinct requests in rotation', rotation, [
        comparison(rotation.rates, agentName, agent.rates, { kind: 'at-least', ratio: 10 }),
        comparison(rotation.rates, 'C_SignInit + C_Sign', token.rates, { kind: 'at-least', ratio: 3 }),
      ]),
      row('authorize, every request distinct', distinct, [
        comparison(distinct.rates, agentName, agent.rates, { kind: 'at-least', ratio: 5 }),
      ]),
      row('redeem, each authorization once', redeem, [
        comparison(redeem.rates, 'authorize in rotation', rotation.rates, { kind: 'at-least', ratio: 1 }),
      ]),
    ],
    plots: [],
    remarks: [truthLine(end)],
    faults: end.faults,
  };
}

function row(name: string, { rates, rounds }: Contestant, comparisons: readonly Comparison[]): Row {
  const notes = rounds.length === 0 ? [] : [...costNotes(rounds), latencyNote('closed-loop latency', rounds)];
  return { name, unit: '/s', figure: spreadOf(rates), comparisons, notes };
}
