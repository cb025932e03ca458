/**
 * `lease.open`, `lease.renew` and `lease.close`: a redeemed artifact as a run, for as long as everything that it rests on holds. A
 * run is under the watchdog, and its lease sealed, before anybody is told that it may begin or go on.
 */

import { type Denial, type Denials, denial } from '../../format/denial.js';
import type { Confinement, LeaseRecord } from '../../format/lease.js';
import type { GrantPredicate } from '../../format/predicate.js';
import type { Denied } from '../../format/protocol.js';
import { formatInstant, parseInstant } from '../../format/time.js';
import { type HeldChild, lookAtChild } from '../../identity/held-child.js';
import { bootTimeMs } from '../../kernel/boot-clock.js';
import { findGrant } from '../artifacts.js';
import { type Caller, withBindings } from '../caller.js';
import type { ClientSession, HeldReceipt } from '../client-session.js';
import { type Decision, type Judged, keptDecisions } from '../decision.js';
import type { GrantedArtifact } from '../granted-artifact.js';
import { causeOf, judgeLease } from '../lease-grounds.js';
import type { Request } from '../pipeline/parse.js';
import { refuseAll } from '../pipeline/refuse.js';
import type { Granted } from '../pipeline/reply.js';
import { grantResult, sealRecord } from '../pipeline/seal.js';
import { judgeRun } from '../run-review.js';
import { confinementOf, identityFaults } from '../runs/confinement.js';
import type { ArmedRun } from '../runs/governed-runs.js';
import type { Logged, Run, RunFacts } from '../runs/run.js';
import type { WatchdogFacts } from '../runs/watchdog-link.js';
import type { Services } from '../services.js';

type LeaseRequest<M extends 'lease.open' | 'lease.renew' | 'lease.close'> = Extract<Request, { method: M }>;
type LeaseMethod = LeaseRequest<'lease.open' | 'lease.renew' | 'lease.close'>;

/** What a lease would be given on. */
interface Opening {
  readonly session: ClientSession;
  readonly request: LeaseRequest<'lease.open'>;
  readonly receipt: HeldReceipt;
  readonly artifact: GrantedArtifact;
  readonly runner: Caller;
  readonly child: HeldChild;
  /** The run that the runner itself is inside of. */
  readonly inside: Run | null;
  readonly watchdog: WatchdogFacts;
  readonly decisions: readonly Decision[];
}

/** How long a lease lasts, by both clocks. */
interface Term {
  readonly untilMs: number;
  readonly deadlineBootMs: number;
}

export async function openLease(
  services: Services,
  session: ClientSession,
  caller: Caller,
  request: LeaseRequest<'lease.open'>,
): Promise<Granted> {
  const prepared = await prepareOpening(services, session, caller, request);
  if ('denials' in prepared) return refused(services, caller, request, prepared);
  const { receipt, artifact, runner, child, inside, decisions } = prepared;
  const term = termOf(services, artifact.statement.predicate);
  services.views.runs.spendAtOnce(receipt.index);
  const { pid, startTime } = runner.peer;
  const order = { runner: { pid, startTime }, child: child.process, deadlineBootMs: term.deadlineBootMs };
  const armed = await services.governed.arm(order, inside);
  if (armed.guarding.outcome === 'refused')
    return refused(services, caller, request, { denials: [notGuarded(armed.guarding.reason)], decisions });
  const { scope } = artifact.statement.predicate;
  const confining = confinementOf(scope, child, armed.guarding.cgroup, prepared.watchdog);
  if (confining.outcome === 'denied') {
    services.governed.disarm(armed);
    return refused(services, caller, request, { denials: [confining.denial], decisions });
  }
  return sealOpening(services, prepared, armed, confining.confinement, term);
}

/** Looks at everything that has to hold before anything is done; without waiting, but for the log. */
async function prepareOpening(
  services: Services,
  session: ClientSession,
  caller: Caller,
  request: LeaseRequest<'lease.open'>,
): Promise<Opening | Judged> {
  const { redemption, nonce, child } = request.params;
  const receipt = session.receipt(redemption);
  if (receipt === null) return unasked(noReceipt);
  if (receipt.redeemerNonce !== nonce) return unasked(otherNonce);
  const artifact = await findGrant(services, receipt.artifact);
  if (artifact === null)
    return unasked(denial('NO_AUTHORIZATION', 'the log holds no sealed authorization with this id'));
  const runner = withBindings(caller, receipt.bindings);
  const { watchdog } = services.governed;
  if (watchdog.state !== 'ready') return unasked(notGuarded(watchdog.reason));
  const holding = services.runs.holding(caller.place);
  if (holding.holding === 'ended') return unasked(denial('LINEAGE_BROKEN', holding.sentence));
  const { denials, decisions } = judgeLease(services, artifact, receipt.index, runner);
  const grounds = [...denials];
  if (services.views.runs.isSpent(receipt.index)) grounds.push(spent);
  const { pid, startTime } = caller.peer;
  const look = lookAtChild({ pid, startTime }, child);
  if (look.outcome === 'denied') return { denials: [...grounds, look.denial], decisions };
  grounds.push(...identityFaults(artifact.statement.predicate.scope, caller.peer, look.child));
  if (grounds.length > 0) return { denials: grounds, decisions };
  return {
    session,
    request,
    receipt,
    artifact,
    runner,
    child: look.child,
    inside: holding.holding === 'live' ? holding.run : null,
    watchdog: watchdog.facts,
    decisions,
  };
}

async function sealOpening(
  services: Services,
  { session, request, receipt, artifact, runner, child, inside, decisions }: Opening,
  armed: ArmedRun,
  confinement: Confinement,
  term: Term,
): Promise<Granted> {
  const redemption = { id: request.params.redemption, index: receipt.index };
  const { process } = child;
  const { descend } = request.params;
  const beginning = { artifact, redemption, confinement, process, descend };
  const { policy, inputs } = keptDecisions(decisions);
  const record = { ...leaseRecord(services, beginning, null, term), policy };
  const sealing = await sealRecord(services, record, inputs);
  if (sealing.outcome === 'unsealed') {
    services.governed.disarm(armed);
    return refused(services, runner, request, { denials: [sealing.denial], decisions });
  }
  const { id, index } = sealing.sealed;
  const facts = {
    ...beginning,
    lease: { id, index },
    session,
    inside: inside?.lease.id ?? null,
    bindings: receipt.bindings,
  };
  const run = services.governed.adopt(armed, facts, runner, term.deadlineBootMs);
  // What was withdrawn while it was sealed is not given; the end of the run is logged behind its lease.
  const again = judgeRun(services, run, runner);
  const lost = { ...again, denials: [...again.denials, ...(run.state === 'live' ? [] : [ended])] };
  if (lost.denials.length > 0) return endRefused(services, run, runner, request, lost);
  services.counters.increment('granted.lease.open');
  return grantResult(services.vkey, sealing.sealed);
}

export async function renewLease(
  services: Services,
  session: ClientSession,
  caller: Caller,
  request: LeaseRequest<'lease.renew'>,
): Promise<Granted> {
  const run = services.runs.find(request.params.lease);
  if (run?.state !== 'live') return refused(services, caller, request, unasked(noRun));
  if (run.session !== session) return refused(services, caller, request, unasked(othersRun));
  const runner = withBindings(caller, run.bindings);
  const judged = judgeRun(services, run, runner);
  if (judged.denials.length > 0) return endRefused(services, run, runner, request, judged);
  const term = termOf(services, run.artifact.statement.predicate);
  const { policy, inputs } = keptDecisions(judged.decisions);
  const record = { ...leaseRecord(services, run, run.lease, term), policy };
  const sealing = await sealRecord(services, record, inputs);
  // Nothing is lost but time: the run may ask again until its deadline.
  if (sealing.outcome === 'unsealed')
    return refused(services, caller, request, { ...judged, denials: [sealing.denial] });
  if (!(await services.governed.extend(run, runner, term.deadlineBootMs)))
    return refused(services, caller, request, unasked(ended));
  services.counters.increment('granted.lease.renew');
  return grantResult(services.vkey, sealing.sealed);
}

export async function closeLease(
  services: Services,
  session: ClientSession,
  caller: Caller,
  request: LeaseRequest<'lease.close'>,
): Promise<Granted> {
  const run = services.runs.find(request.params.lease);
  if (run?.state !== 'live') return refused(services, caller, request, unasked(noRun));
  if (run.session !== session) return refused(services, caller, request, unasked(othersRun));
  const { dead, logged } = services.governed.end(run, 'exited', [ended], {
    status: request.params.status,
  });
  await dead;
  const sealing = await logged;
  if (sealing.outcome === 'unsealed') return refused(services, caller, request, unasked(sealing.denial));
  services.counters.increment('granted.lease.close');
  return grantResult(services.vkey, sealing.sealed);
}

async function endRefused(
  services: Services,
  run: Run,
  runner: Caller,
  request: LeaseMethod,
  judged: Judged,
): Promise<Denied> {
  const [first, ...others] = judged.denials;
  if (first === undefined) throw new Error('a run ends for a ground');
  const denials: Denials = [first, ...others];
  if (run.state === 'live') services.governed.end(run, causeOf(first.code), denials);
  return refused(services, runner, request, judged);
}

function refused(
  services: Services,
  caller: Caller,
  request: LeaseMethod,
  { denials, decisions }: Judged,
): Promise<Denied> {
  return refuseAll(services, request, { caller, claims: {}, decisions }, denials);
}

/** For what is refused before any policy is asked, or whatever policies said. */
function unasked(reason: Denial): Judged {
  return { denials: [reason], decisions: [] };
}

/**
 * The record that opens a run, or renews the lease of the one that `lease` opened. It reads the clock: append it without awaiting
 * anything in between.
 */
function leaseRecord(
  services: Services,
  run: Pick<RunFacts, 'artifact' | 'redemption' | 'confinement' | 'process' | 'descend'>,
  lease: Logged | null,
  { untilMs, deadlineBootMs }: Term,
): LeaseRecord {
  const { artifact, redemption, confinement, process, descend } = run;
  return {
    type: 'urn:writ:lease:v1',
    time: formatInstant(services.clock.lastTrustedMs()),
    log: services.origin,
    nonce: services.nonce(),
    event: lease === null ? 'open' : 'renew',
    artifact: artifact.entry.id,
    artifactIndex: artifact.entry.index,
    redemption: redemption.id,
    redemptionIndex: redemption.index,
    lease: lease?.id ?? null,
    leaseIndex: lease?.index ?? null,
    until: formatInstant(untilMs),
    deadline: { boot: services.boot, bootTimeMs: deadlineBootMs },
    confinement,
    process,
    descend,
  };
}

/** From now on as long as a lease lasts, but no longer than the artifact allows. */
function termOf({ clock }: Services, { validity }: GrantPredicate): Term {
  clock.now();
  const nowMs = clock.lastTrustedMs();
  const renewMs = validity.use === 'lease' ? 1000 * validity.renewSeconds : 0;
  const untilMs = validity.use === 'lease' ? Math.min(nowMs + renewMs, parseInstant(validity.until)) : nowMs;
  return { untilMs, deadlineBootMs: Math.floor(bootTimeMs() + untilMs - nowMs) };
}

function notGuarded(reason: string): Denial {
  return denial(
    'ENVIRONMENT_MISMATCH',
    `nothing would enforce the end of the run: ${guardReasons[reason] ?? `there is no watchdog (${reason})`}`,
    'Ask the daemon for its status (writ status); writ doctor says what is wrong with the watchdog.',
  );
}

/** The watchdog's words for why it does not guard a run (native/watchdog/protocol.h). */
const guardReasons: Readonly<Record<string, string>> = {
  full: 'the watchdog guards as many runs as it can',
  repeated: 'the watchdog knows another run by its name',
  runner: 'the watchdog finds that the caller has ended',
  child: 'the watchdog finds that the held process has ended, or is no child of the caller',
  group: 'the held process did not stay in the control group that was made for it',
  stopping: 'the daemon is being stopped',
  lost: 'the watchdog is gone',
};

export const noReceipt = denial(
  'NO_AUTHORIZATION',
  'this connection was given no such receipt of an artifact that is used under a lease',
  'Redeem an artifact of use lease on this connection, and name the receipt that it brings.',
);
export const otherNonce = denial('BAD_CREDENTIALS', 'the receipt was redeemed with another nonce');
export const spent = denial('REPLAYED', 'a run was opened on this redemption before');
const ended = denial('STATE_UNVERIFIABLE', 'the run has ended', 'Run it again.');
const noRun = denial('NO_AUTHORIZATION', 'no live run has this lease', 'Run it again.');
const othersRun = denial(
  'IDENTITY_MISMATCH',
  'the run belongs to another connection',
  'Renew and close a lease on the connection that opened it.',
);
