/**
 * The composition root of `writd`: names every concrete part, brings them up, and takes them down in reverse. Start: lock;
 * log, signer and policy at the same time; first sealed record; socket. Nobody is served before.
 */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import { ReferenceFileError } from '../environment/reference.js';
import { WatchedReference } from '../environment/watched-reference.js';
import { RememberedTexts } from '../format/jcs.js';
import { formatVerifierKey } from '../format/note.js';
import { formatInstant } from '../format/time.js';
import { parseTrust } from '../format/trust.js';
import { HsmError } from '../hsm/faults.js';
import type { Signer } from '../hsm/signer.js';
import { type FileLock, lockFile } from '../kernel/file-lock.js';
import { LogDamageError } from '../log/damage.js';
import { Log } from '../log/log.js';
import { BundleStore } from '../policy/bundle-store.js';
import { ProofStore } from '../policy/proof-store.js';
import { IdentityError } from '../state/daemon-identity.js';
import { type IndexParts, type LogIndex, openIndex } from '../state/index-follower.js';
import { forgetRollback, RecoveryFileError } from '../state/rollback-notice.js';
import { Snapshots } from '../state/snapshots.js';
import { readVersion } from '../state/version.js';
import { TpmError } from '../tpm/faults.js';
import { VerificationContext } from '../verify/context.js';
import { announce } from './announce.js';
import { reopenRequests } from './approvals/logged-requests.js';
import { PendingRequests } from './approvals/pending-requests.js';
import { stalePeriods } from './attestation.js';
import { type Config, ConfigError } from './config.js';
import { checkContinuity } from './continuity-check.js';
import { FaultTally } from './fault-tally.js';
import { guardGeneration } from './generation-guard.js';
import { openGovernance } from './governance/open-governance.js';
import { announceNext, isHandOverDue, takeOver } from './hand-over.js';
import { Machine } from './machine.js';
import { openClock } from './open-clock.js';
import { buryLeftBehind, openRuns } from './open-runs.js';
import { openParts } from './opening.js';
import { sealRecord } from './pipeline/seal.js';
import { RecentGrants } from './recent-grants.js';
import { recordHead, unsealedRevocation } from './records.js';
import type { RevocationFeed } from './revocation-feed.js';
import { revocationServices } from './revocation-services.js';
import { type Daemon, running } from './running.js';
import { serve } from './serve.js';
import { Counters, type Services } from './services.js';
import { StartError } from './start-error.js';
import type { OpenTpm, TpmService, TpmSettings } from './tpm.js';
import { rootStart, tpmService } from './tpm-service.js';
import { type OwnTpm, ownTrust, provideTrustFile } from './trust.js';
import { updateTrustFile, withSuccession } from './trust-succession.js';
import { awaitedLater } from './under-way.js';

/**
 * Brings the daemon up; where keys wait to take over, first under the old ones, which hand over, and then under the new.
 * Throws StartError, ConfigError, or PolicyBundleError; then nothing is left running.
 */
export async function startDaemon(config: Config): Promise<Daemon> {
  await mkdir(config.stateDirectory, { recursive: true, mode: 0o700 });
  for (;;) {
    const { daemon, handsOver } = await startOnce(config);
    if (!handsOver) return daemon;
    daemon.stop('its keys are handed over');
    if ((await daemon.ended) !== 0)
      throw new StartError(
        'the keys could not be handed over; mend what the log says, and the next start tries again',
      );
  }
}

/** `handsOver`: it serves nobody, and when it has stopped, the next keys have taken over. */
interface Started {
  readonly daemon: Daemon;
  readonly handsOver: boolean;
}

async function startOnce(config: Config): Promise<Started> {
  const lock = lockState(config);
  const undo: (() => Promise<void> | void)[] = [() => lock.release()];
  try {
    return await bringUp(config, undo);
  } catch (cause) {
    for (const step of undo.reverse()) await step();
    if (cause instanceof IdentityError && cause.fault === 'setting')
      throw new ConfigError(cause.message, { cause });
    const expected =
      cause instanceof LogDamageError ||
      cause instanceof HsmError ||
      cause instanceof TpmError ||
      cause instanceof IdentityError ||
      cause instanceof RecoveryFileError;
    throw expected ? new StartError(cause.message, { cause }) : cause;
  }
}

function lockState({ stateDirectory, socketPath }: Config): FileLock {
  const outcome = lockFile(join(stateDirectory, 'writd.lock'));
  if (outcome.outcome === 'locked') return outcome.lock;
  throw new StartError(
    `another writd already runs on ${stateDirectory} (its socket is ${socketPath} unless it was told otherwise); ` +
      'stop it first, or use another state directory (--state)',
  );
}

async function bringUp(config: Config, undo: (() => Promise<void> | void)[]): Promise<Started> {
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
  let index: LogIndex | null = null;
  let snapshots: Snapshots | null = null;
  const { stateDirectory } = config;
  const checked = await checkContinuity(stateDirectory, identity.origin, openedTpm, recovered, views);
  let tpm: TpmService | null = null;
  let revocationFeed: RevocationFeed | null = null;
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
    onDurable: ({ index: position, id, submission: { kind, record, payload } }) => {
      views.apply({ index: position, id, kind, record });
      revocationFeed?.follow({ index: position, id, record, payload });
      tpm?.anchoring.follow(kind, position);
      governance.follow(record);
    },
    onSeal: () => {
      // What waited for this seal is given right afterwards; it may have been asked for in a memory that came back since.
      guard.check();
      index?.notify();
      snapshots?.notify();
    },
    onTrouble: (trouble) => {
      if (trouble === null) logger.info('sealing works again');
      else logger.error(trouble, 'nothing can be sealed; requests are denied meanwhile');
    },
    onPublishFailure: (cause) => logger.error({ err: cause }, 'the published log is behind; trying again'),
    onFatal: crash,
  });
  const indexParts: IndexParts = {
    path: join(config.stateDirectory, 'index.sqlite'),
    source: {
      origin: identity.origin,
      sealedSize: () => log.seal?.size ?? 0,
      rootAt: (size) => recovered.tree.root(size),
      frames: (from, to) => log.frames(from, to),
    },
    onTrouble: (sentence) =>
      logger.warn({ trouble: sentence }, 'the index is in trouble; nothing else depends on it'),
  };
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
  }
  const openingIndex = awaitedLater(openIndex(indexParts));
  await provideTrustFile(config.stateDirectory, trust);
  await updateTrustFile(config.stateDirectory, identity.origin, hsm.succession);
  const spreading = revocationServices(config, log, views, vkey, stamped, logger);
  undo.push(() => spreading.standingStatus.close());
  revocationFeed = spreading.revocationFeed;
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
    related: relatedEntries(openingIndex, log),
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
  index = await openingIndex;
  index.notify();
  snapshots = new Snapshots(
    {
      origin: identity.origin,
      store,
      views,
      journal: recovered.journal,
      tree: recovered.tree,
      sealedSize: () => log.seal?.size ?? 0,
      log: async (content) =>
        (await sealRecord(services, { ...recordHead(services), ...content })).outcome === 'sealed',
      onTrouble: (trouble) => logger.warn({ trouble }, 'the next start will read more of the log'),
    },
    opened.snapshotSize,
  );
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
    index,
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

/** How long a lineage waits for the index to catch up with the log. */
const indexTimeoutMs = 2000;

function relatedEntries(opening: Promise<LogIndex>, log: Log): Services['related'] {
  const reached = async () => {
    const index = await opening;
    await index.reach(log.seal?.size ?? 0, indexTimeoutMs);
    return index;
  };
  // The index proves nothing, not even how long the log is.
  const inLog = (entries: readonly { readonly idx: number }[]) =>
    entries.map(({ idx }) => idx).filter((position) => position < log.size);
  return {
    children: async (id) => inLog(await (await reached()).children(id)),
    about: async (position) => inLog(await (await reached()).about(position)),
    newestBefore: async (kind, position, subject) => (await reached()).newestBefore(kind, position, subject),
  };
}
