/** Sealed authorizations and redemptions a second, beside ssh-agent and the bare token in alternated rounds. */

import type { MeasuredRound } from '../load/measured-round.js';
import type { Workload } from '../load/requests.js';
import { startTokenLoop, type TokenPeer } from '../peers/pkcs11.js';
import { type AgentPeer, startAgent } from '../peers/ssh-agent.js';
import { spent, threadTimes, totalOf } from '../processor-time.js';
import type { Comparison, Row, Section } from '../report/model.js';
import { spreadOf } from '../report/spread.js';
import { number } from '../report/table.js';
import { type Defer, scoped } from '../scope.js';
import { Trial, type TrialEnd } from '../trial.js';
import {
  closedRound,
  comparison,
  costOf,
  distinct,
  type Effort,
  latencyOf,
  rotation,
  type Told,
  told,
  truthLine,
} from './common.js';

const connections = 64;
const inFlight = 8;

/** Longer rounds would fill disks: an entry takes some kilobytes, and there are tens of thousands a second. */
const quickEffort: Effort = { rounds: 2, roundMs: 400, warmUpMs: 100 };
const fullEffort: Effort = { rounds: 7, roundMs: 1000, warmUpMs: 200 };

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
  /** One round, and its rate. */
  readonly run: () => Promise<number>;
  /** What is told beside the rates of all rounds but the first. */
  readonly tell: () => Told;
}

/** The goals of sealing many requests under one signature, and what the peers do meanwhile. */
export function throughput(quick: boolean): Promise<Section> {
  return scoped((defer) => measure(defer, quick));
}

async function measure(defer: Defer, quick: boolean): Promise<Section> {
  const effort = quick ? quickEffort : fullEffort;
  // One daemon remembers its decisions on the rotation; the other's are all new, and would push those out.
  const [rotating, changing] = await Promise.all([
    Trial.start(defer, { quick }),
    Trial.start(defer, { quick }),
  ]);
  const contestants = await contestantsOf(defer, rotating, changing, effort);
  for (let round = 0; round <= effort.rounds; round++) {
    for (const { rates, run } of Object.values({ ...contestants })) rates.push(await run());
  }
  // The first round warms up.
  for (const { rates } of Object.values({ ...contestants })) rates.shift();
  return section(contestants, await Promise.all([rotating.end(), changing.end()]), effort);
}

async function contestantsOf(
  defer: Defer,
  rotating: Trial,
  changing: Trial,
  effort: Effort,
): Promise<Contestants> {
  const agent = await startAgent(defer);
  const token = await startTokenLoop(rotating.daemon.stateDirectory, defer);
  const writ = (trial: Trial, workload: Workload): Contestant => {
    const rounds: MeasuredRound[] = [];
    const run = async (): Promise<number> => {
      const measured = await trial.round(closedRound(workload, connections, inFlight, effort));
      rounds.push(measured);
      return measured.perSecond;
    };
    const tell = (): Told => told(latencyOf('closed-loop latency', rounds.slice(1)), costOf(rounds.slice(1)));
    return { rates: [], run, tell };
  };
  return {
    agent1: agentContestant(agent, 1, effort),
    agent8: agentContestant(agent, inFlight, effort),
    token: tokenContestant(token, effort),
    rotation: writ(rotating, rotation),
    distinct: writ(changing, distinct),
    redeem: redeemContestant(changing, writ(changing, { kind: 'redeem' }), effort),
  };
}

/** What it redeems is granted before each round, uncounted: more than a round can redeem, as grants come quicker. */
function redeemContestant(trial: Trial, redeem: Contestant, effort: Effort): Contestant {
  const stockMs = 1.4 * (effort.warmUpMs + effort.roundMs);
  const run = async (): Promise<number> => {
    await trial.round(closedRound(rotation, connections, inFlight, { ...effort, roundMs: stockMs }));
    return redeem.run();
  };
  return { ...redeem, run };
}

function agentContestant(agent: AgentPeer, inFlight: number, { roundMs, warmUpMs }: Effort): Contestant {
  const agentUs: number[] = [];
  const loadUs: number[] = [];
  const run = async (): Promise<number> => {
    const before = threadTimes(agent.pid);
    const { perSecond, signatures, cpuUs } = await agent.run({
      connections,
      inFlight,
      warmUpMs,
      durationMs: roundMs,
    });
    agentUs.push(totalOf(spent(before, threadTimes(agent.pid))) / Math.max(1, signatures));
    loadUs.push(cpuUs / Math.max(1, signatures));
    return perSecond;
  };
  const tell = (): Told => {
    const details = {
      cpuAgentUs: spreadOf(agentUs.slice(1)).median,
      cpuGeneratorUs: spreadOf(loadUs.slice(1)).median,
    };
    const { cpuAgentUs, cpuGeneratorUs } = details;
    return {
      notes: [`CPU us each: ssh-agent ${number(cpuAgentUs)}, load generator ${number(cpuGeneratorUs)}`],
      details,
    };
  };
  return { rates: [], run, tell };
}

function tokenContestant(token: TokenPeer, { roundMs }: Effort): Contestant {
  const loopUs: number[] = [];
  const run = async (): Promise<number> => {
    const { perSecond, signatures, cpuUs } = await token.run(roundMs);
    loopUs.push(cpuUs / Math.max(1, signatures));
    return perSecond;
  };
  const tell = (): Told => {
    const cpuLoopUs = spreadOf(loopUs.slice(1)).median;
    return { notes: [`CPU us each: ${number(cpuLoopUs)}`], details: { cpuLoopUs } };
  };
  return { rates: [], run, tell };
}

function section(contestants: Contestants, ends: readonly TrialEnd[], { rounds, roundMs }: Effort): Section {
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
      'The rotation has a daemon to itself; distinct requests and redemptions share another. Each waits idly while others have their turn.',
      "Each load generator is a process of its own on the same processors, as the peers' are.",
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
    remarks: ends.map(truthLine),
    faults: ends.flatMap(({ faults }) => faults),
  };
}

function row(name: string, { rates, tell }: Contestant, comparisons: readonly Comparison[]): Row {
  return { name, unit: '/s', figure: spreadOf(rates), comparisons, ...tell() };
}
