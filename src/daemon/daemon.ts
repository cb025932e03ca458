/**
 * The composition root of `writd`: names every concrete part, and brings them up: log, signer and policy at the same time;
 * first sealed record; socket. Nobody is served before.
 */

import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import { ReferenceFileError } from '../environment/reference.js';
import { WatchedReference } from '../environment/watched-reference.js';
import { RememberedTexts } from '../format/jcs.js';
import { formatVerifierKey } from '../format/note.js';
import { formatInstant } from '../format/time.js';
import { parseTrust } from '../format/trust.js';
import type { Signer } from '../hsm/signer.js';
import { Log } from '../log/log.js';
import { BundleStore } from '../policy/bundle-store.js';
import { ProofStore } from '../policy/proof-store.js';
import { forgetRollback } from '../state/rollback-notice.js';
import { readVersion } from '../state/version.js';
import { VerificationContext } from '../verify/context.js';
import { announce } from './announce.js';
import { reopenRequests } from './approvals/logged-requests.js';
import { PendingRequests } from './approvals/pending-requests.js';
import { stalePeriods } from './attestation.js';
import type { Config } from './config.js';
import { checkContinuity } from './continuity-check.js';
import { FaultTally } from './fault-tally.js';
import { guardGeneration } from './generation-guard.js';
import { openGovernance } from './governance/open-governance.js';
import { announceNext, isHandOverDue, takeOver } from './hand-over.js';
import { LogFollowers } from './log-followers.js';
import { Machine } from './machine.js';
import { openClock } from './open-clock.js';
import { openingIndex, relatedEntries } from './open-index.js';
import { buryLeftBehind, openRuns } from './open-runs.js';
import { openSnapshots } from './open-snapshots.js';
import { openParts } from './opening.js';
import { RecentGrants } from './recent-grants.js';
import { unsealedRevocation } from './records.js';
import { revocationServices } from './revocation-services.js';
import { type Daemon, running } from './running.js';
import { serve } from './serve.js';
import { Counters, type Services } from './services.js';
import { StartError } from './start-error.js';
import type { OpenTpm, TpmService, TpmSettings } from './tpm.js';
import { rootStart, tpmService } from './tpm-service.js';
import { type OwnTpm, ownTrust, provideTrustFile } from './trust.js';
import { updateTrustFile, withSuccession } from './trust-succession.js';

/** `handsOver`: it serves nobody, and when it has stopped, the next keys have taken over. */
export interface Started {
  readonly daemon: Daemon;
  readonly handsOver: boolean;
}

/**
 * Brings everything up, in the order in which it can be relied upon. `undo` gets a step for each part that must be closed where a
 * later one fails; its first step gives up the lock.
 */
export async function bringUp(config: Config, undo: (() => Promise<void> | void)[]): Promise<Started> {
  const logger = pino({ level: config.logLevel, name: 'writd' }, pino.destination({ dest: 2, sync: true }));
  const crash = crashWith(logger);
  // Before anything is read that could be an earlier state.
  const guard = guardGeneration(logger, crash);
  undo.push(() => guard.close());
  const machine = new Machine(config.maxWaitingEntries, config.bindings);
  undo.push(() => machine.close());
  const reference = watchReference(config, logger);
  const { hsm, identity, key, opened, signer, openedTpm } = await openParts(config, logger, undo);
  const { recovered, views, store } = opened;
  const clock = await openClock(machine, views, recovered);
  const texts = new RememberedTexts();
  // Before anything is decided under a bundle it is kept there: every decision can be made again.
  const bundles = new BundleStore(join(config.stateDirectory, 'policies'));
  const governed = await openGovernance(config, { views, clock, texts, bundles, logger });
  const { inForce, governance, starting } = governed;
  const stamped = { origin: identity.origin, clock, nonce: () => machine.nonce() };
  const { stateDirectory } = config;
  const checked = await checkContinuity(stateDirectory, identity.origin, openedTpm, recovered, views);
  let tpm: TpmService | null = null;
  const followers = new LogFollowers(views, governance, guard);
  const log = new Log({
    recovered,
    key,
    signer,
    limits: config,
    monotonicMs: () => performance.now(),
    revocationOf: (grant) => {
      logger.warn(grant, 'revoking a grant that could not be sealed in time');
      return unsealedRevocation(stamped, grant);
    },
    onDurable: (entry) => followers.follow(entry),
    onSeal: () => followers.noteSeal(),
    onTrouble: (trouble) => {
      if (trouble === null) logger.info('sealing works again');
      else logger.error(trouble, 'nothing can be sealed; requests are denied meanwhile');
    },
    onPublishFailure: (cause) => logger.error({ err: cause }, 'the published log is behind; trying again'),
    onFatal: crash,
  });
  const vkey = formatVerifierKey(key);
  const firstTrust = ownTrust(key, signer.keys.artifact, openedTpm && ownTpm(openedTpm, config.tpm));
  const trust = withSuccession(firstTrust, identity.origin, hsm.succession);
  if (openedTpm !== null && checked.counterValue !== null) {
    const { counterValue } = checked;
    const parts = {
      settings: config.tpm,
      stamped,
      log,
      vkey,
      trust: parseTrust(trust),
      counterValue,
      texts,
      logger,
      onFatal: crash,
    };
    tpm = tpmService(openedTpm, parts);
    followers.anchoring = tpm.anchoring;
  }
  const index = openingIndex(config, identity.origin, log, recovered, logger);
  await provideTrustFile(config.stateDirectory, trust);
  await updateTrustFile(config.stateDirectory, identity.origin, hsm.succession);
  const spreading = revocationServices(config, log, views, vkey, stamped, logger);
  undo.push(() => spreading.standingStatus.close());
  followers.revocationFeed = spreading.revocationFeed;
  const runs = openRuns(config, { stamped, log, views, logger });
  undo.push(() => runs.stop());
  const services: Services = {
    ...spreading,
    ...stamped,
    version: readVersion(),
    vkey,
    daemonId: identity.daemonId,
    hostId: machine.fact('host'),
    ownUid: process.getuid?.() ?? 0,
    startedAt: formatInstant(Date.now()),
    log,
    views,
    governance,
    runs: runs.table,
    governed: runs,
    boot: machine.fact('boot'),
    get policy() {
      return inForce.policy;
    },
    environment: {
      survey: (peer) => machine.survey(peer),
      binds: (name) => config.bindings.binds(name),
      reference: () => reference.current(),
    },
    tpm,
    vmGeneration: guard.gap === null ? 'watched' : 'unavailable',
    exportSigner: exportSigner(signer),
    related: relatedEntries(index, log),
    bundles,
    policyProofs: new ProofStore(join(config.stateDirectory, 'policies')),
    trust: parseTrust(trust),
    ownTrust: trust,
    proven: new VerificationContext(),
    counters: new Counters(),
    measureAction: (action) => machine.measureAction(action),
    measureProgram: (path) => machine.measureProgram(path),
    texts,
    get preparations() {
      return inForce.preparations;
    },
    recentGrants: new RecentGrants(),
    pendingRequests: new PendingRequests(
      () => machine.nonce(),
      (key) => views.revocations.revokesKey(key),
    ),
  };
  await runs.start();
  await announce(services, machine, signer.keys, checked, hsm.succession, starting);
  await buryLeftBehind(runs, services, services.boot);
  await reopenRequests(services, views.takeApprovals(), (trouble) =>
    logger.warn({ trouble }, 'no request waits for approval any more: ask again'),
  );
  if (checked.decision !== null) forgetRollback(stateDirectory);
  if (tpm !== null) await rootStart(tpm);
  if (checked.reason !== null)
    logger.info({ reason: checked.reason }, 'what was granted before and not redeemed is void');
  followers.index = await index;
  followers.index.notify();
  const snapshots = openSnapshots(services, opened, logger);
  followers.snapshots = snapshots;
  snapshots.notify();
  const tally = new FaultTally((report) => logger.warn(report, 'refused lines that are no valid requests'));
  const handsOver = isHandOverDue(hsm);
  const announced = handsOver ? await announceNext(services, hsm) : [];
  const server = handsOver
    ? null
    : await serve(config, services, { machine, guard, tally, logger, onFatal: crash });
  const state = { socket: config.socketPath, origin: identity.origin, entries: log.size };
  logger.info(state, handsOver ? 'new keys take over; nobody is served meanwhile' : 'ready');
  const release = async (): Promise<void> => {
    if (handsOver) await takeOver(config.stateDirectory, hsm, services, announced);
    await undo[0]?.();
  };
  const parts = {
    config,
    services,
    machine,
    guard,
    signer,
    index: followers.index,
    snapshots,
    server,
    tally,
    logger,
    release,
    openedTpm,
  };
  return { daemon: running({ ...parts, store }), handsOver };
}

/** Throws StartError for a reference that cannot be believed. */
function watchReference({ stateDirectory }: Config, logger: Logger): WatchedReference {
  try {
    return new WatchedReference(join(stateDirectory, 'environment.json'), ({ message }) =>
      logger.warn({ trouble: message }, 'no change of the environment is accepted'),
    );
  } catch (cause) {
    if (!(cause instanceof ReferenceFileError)) throw cause;
    throw new StartError(cause.message, { cause });
  }
}

function ownTpm({ attester, since }: OpenTpm, { quotePeriodMs }: TpmSettings): OwnTpm {
  return { key: attester.key, since, maxAgeSeconds: Math.ceil((stalePeriods * quotePeriodMs) / 1000) };
}

/** Durability or history is in doubt, or the code is at fault: end at once; the next start recovers what is certain. */
function crashWith(logger: Logger): (cause: unknown) => void {
  return (cause) => {
    logger.fatal({ err: cause }, 'ending at once; restart to recover');
    process.exit(1);
  };
}

function exportSigner(signer: Signer): Services['exportSigner'] {
  return {
    publicKey: signer.keys.artifact,
    get state() {
      return signer.state;
    },
    signStatement: (payloadType, payload) => signer.signStatement(payloadType, payload),
  };
}
