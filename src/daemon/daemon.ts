/**
 * The composition root of `writd`: names every concrete part, brings them up, and takes them down in reverse. Start: lock;
 * log, signer and policy at the same time; first sealed record; socket. Nobody is served before.
 */

import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import { ReferenceFileError } from '../environment/reference.js';
import { WatchedReference } from '../environment/watched-reference.js';
import { RememberedTexts } from '../format/jcs.js';
import { formatVerifierKey, verifierKey } from '../format/note.js';
import { formatInstant } from '../format/time.js';
import { parseTrust } from '../format/trust.js';
import { warmUp } from '../hash/warm-up.js';
import { HsmError } from '../hsm/faults.js';
import { type PinnedToken, readKeysFile } from '../hsm/keys-file.js';
import { openSigner } from '../hsm/process-signer.js';
import type { Signer } from '../hsm/signer.js';
import { retiredLogKeys } from '../hsm/succession.js';
import { type FileLock, lockFile } from '../kernel/file-lock.js';
import { LogDamageError } from '../log/damage.js';
import { Log } from '../log/log.js';
import type { RetiredLogKey } from '../log/recovery.js';
import { loadBundle } from '../policy/bundle.js';
import { createEngine } from '../policy/engine.js';
import { ensureIdentity, IdentityError } from '../state/daemon-identity.js';
import { type IndexParts, type LogIndex, openIndex } from '../state/index-follower.js';
import { type OpenedViews, openViews } from '../state/open-views.js';
import { forgetRollback, RecoveryFileError } from '../state/rollback-notice.js';
import { Snapshots } from '../state/snapshots.js';
import { readVersion } from '../state/version.js';
import { TpmError } from '../tpm/faults.js';
import { VerificationContext } from '../verify/context.js';
import { announce } from './announce.js';
import { stalePeriods } from './attestation.js';
import { AttestedCallers } from './attested-caller.js';
import { type Config, ConfigError } from './config.js';
import { checkContinuity } from './continuity-check.js';
import { FaultTally } from './fault-tally.js';
import { announceNext, isHandOverDue, takeOver } from './hand-over.js';
import { Intake } from './intake.js';
import { Machine } from './machine.js';
import { RedemptionQueue } from './methods/redeem.js';
import { openClock } from './open-clock.js';
import { sealRecord } from './pipeline/seal.js';
import { policyService } from './policy-service.js';
import { Preparations } from './preparations.js';
import { RecentGrants } from './recent-grants.js';
import { recordHead, unsealedRevocation } from './records.js';
import { type Daemon, running } from './running.js';
import { SocketServer } from './server.js';
import { Counters, type Services } from './services.js';
import { StartError } from './start-error.js';
import { type OpenTpm, openTpm, type TpmService, type TpmSettings } from './tpm.js';
import { rootStart, tpmService } from './tpm-service.js';
import { type OwnTpm, ownTrust, provideTrustFile } from './trust.js';
import { updateTrustFile, withSuccession } from './trust-succession.js';

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
  const machine = new Machine(config.maxWaitingEntries, config.bindings);
  undo.push(() => machine.close());
  const reference = watchReference(config, logger);
  const hsm = readKeysFile(join(config.stateDirectory, 'keys.json'));
  const identity = await ensureIdentity(config.stateDirectory, config.origin, () =>
    randomBytes(8).toString('hex'),
  );
  const key = verifierKey(identity.origin, hsm.keys.log.publicKey);
  const directories = {
    journal: join(config.stateDirectory, 'journal'),
    log: join(config.stateDirectory, 'log'),
    views: join(config.stateDirectory, 'views'),
  };
  // The log is read, the signer process loads its module, and the policy is checked, all at the same time.
  const openingLog = awaitedLater(
    openViews(
      directories,
      key,
      (trouble) => logger.warn({ trouble }, 'starting without this snapshot'),
      retiredKeysOf(identity.origin, hsm),
    ),
  );
  undo.push(() => whenOpened(openingLog, ({ store }) => store.close()));
  undo.push(() => whenOpened(openingLog, ({ recovered }) => recovered.journal.close()));
  const openingTpm = awaitedLater(openTpm(config.stateDirectory, config.tpm));
  undo.push(() => whenOpened(openingTpm, (tpm) => tpm?.close()));
  const signerConfig = {
    ...hsm,
    origin: identity.origin,
    floor: floorOf(openingLog, hsm.pin.type === 'tpm' ? openingTpm : null),
    callTimeoutMs: config.hsmCallTimeoutMs,
    startTimeoutMs: config.hsmStartTimeoutMs,
    onWarning: (warning: string) => logger.warn(warning),
    benchDelayMs: benchDelayMs(process.env.WRIT_BENCH_HSM_DELAY_MS),
  };
  const openingSigner = awaitedLater(openSigner(signerConfig));
  undo.push(() => whenOpened(openingSigner, (signer) => signer.close()));
  warmUp();
  const bundle = await loadBundle(config.policyDirectory);
  const opened = await openingLog;
  const { recovered, views, store } = opened;
  if (recovered.cutBytes > 0)
    logger.warn({ bytes: recovered.cutBytes }, 'cut a torn last write from the journal');
  const signer = await openingSigner;
  const clock = await openClock(machine, views, recovered);
  const stamped = { origin: identity.origin, clock, nonce: () => machine.nonce() };
  const crash = crashWith(logger);
  let index: LogIndex | null = null;
  let snapshots: Snapshots | null = null;
  const openedTpm = await openingTpm;
  const { stateDirectory } = config;
  const checked = await checkContinuity(stateDirectory, identity.origin, openedTpm, recovered, views);
  let tpm: TpmService | null = null;
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
    onDurable: ({ index: position, id, submission: { kind, record } }) => {
      views.apply({ index: position, id, kind, record });
      tpm?.anchoring.follow(kind);
    },
    onSeal: () => {
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
      logger,
      onFatal: crash,
    };
    tpm = tpmService(openedTpm, parts);
  }
  const openingIndex = awaitedLater(openIndex(indexParts));
  const texts = new RememberedTexts();
  await provideTrustFile(config.stateDirectory, trust);
  await updateTrustFile(config.stateDirectory, identity.origin, hsm.succession);
  const services: Services = {
    ...stamped,
    version: readVersion(),
    vkey,
    daemonId: identity.daemonId,
    hostId: machine.fact('host'),
    ownUid: process.getuid?.() ?? 0,
    startedAt: formatInstant(Date.now()),
    log,
    views,
    policy: policyService(bundle, createEngine(bundle, texts), texts),
    environment: {
      survey: (peer) => machine.survey(peer),
      binds: (name) => config.bindings.binds(name),
      reference: () => reference.current(),
    },
    tpm,
    attestedCallers: new AttestedCallers(),
    exportSigner: exportSigner(signer),
    related: relatedEntries(openingIndex, log),
    trust: parseTrust(trust),
    proven: new VerificationContext(),
    counters: new Counters(),
    measureAction: (action) => machine.measureAction(action),
    texts,
    preparations: new Preparations(),
    recentGrants: new RecentGrants(),
  };
  await announce(services, machine, signer.keys, checked, hsm.succession);
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
  const server = handsOver ? null : await serve(config, services, machine, tally, logger, crash);
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

/**
 * The newest seal of a log that is being opened. The signer waits for it before it asks for the PIN, and a development TPM
 * that holds the PIN must run by then.
 */
async function floorOf(
  openingLog: Promise<OpenedViews>,
  openingTpm: Promise<unknown> | null,
): Promise<string | null> {
  const [{ recovered }] = await Promise.all([openingLog, openingTpm]);
  return recovered.seal?.note ?? null;
}

/** The log keys before this one, as the log knows them. */
function retiredKeysOf(origin: string, { succession }: PinnedToken): RetiredLogKey[] {
  return retiredLogKeys(succession).map(({ publicKey, final }) => ({
    key: verifierKey(origin, publicKey),
    ...final,
  }));
}

/** Something under way whose failure is thrown where it is awaited, and must not end the process before that. */
function awaitedLater<Result>(underWay: Promise<Result>): Promise<Result> {
  underWay.catch(() => undefined);
  return underWay;
}

/** Closes what was being opened, if that succeeds; why it did not is told by whoever waits for it. */
async function whenOpened<Opened>(
  opening: Promise<Opened>,
  close: (opened: Opened) => Promise<void> | void,
): Promise<void> {
  const [outcome] = await Promise.allSettled([opening]);
  if (outcome.status === 'fulfilled') await close(outcome.value);
}

/** Durability or history is in doubt, or the code is at fault: end at once; the next start recovers what is certain. */
function crashWith(logger: Logger): (cause: unknown) => void {
  return (cause) => {
    logger.fatal({ err: cause }, 'ending at once; restart to recover');
    process.exit(1);
  };
}

function serve(
  config: Config,
  services: Services,
  machine: Machine,
  tally: FaultTally,
  logger: Logger,
  onFatal: (cause: unknown) => void,
): Promise<SocketServer> {
  const intake = new Intake(services, machine, new RedemptionQueue());
  return SocketServer.listen({
    path: config.socketPath,
    mode: config.socketMode,
    group: config.socketGroup,
    maxConnections: config.maxConnections,
    maxInFlight: config.maxInFlightPerConnection,
    openSession: (socket) => {
      const connection = machine.connect(socket);
      const { uid, pid } = connection.facts;
      return {
        peerName: `uid ${uid} pid ${pid}`,
        answer: (request) => intake.answer(connection, request),
        close: () => connection.close(),
      };
    },
    onFault: (peer, { code, message }) => {
      services.counters.increment(`faults.${code}`);
      tally.add(peer, code, message);
    },
    onUnidentified: (cause) =>
      logger.warn({ err: cause }, 'closed a connection whose peer cannot be identified'),
    onFatal,
  });
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
  return {
    children: async (id) => {
      const index = await opening;
      await index.reach(log.seal?.size ?? 0, indexTimeoutMs);
      const children = (await index.children(id)).map(({ idx }) => idx);
      // The index proves nothing, not even how long the log is.
      return children.filter((position) => position < log.size);
    },
  };
}

/** For benchmarks alone: makes each signature take longer, as a slow token would. */
function benchDelayMs(setting: string | undefined): number {
  const delayMs = Number(setting ?? '0');
  if (!Number.isInteger(delayMs) || delayMs < 0)
    throw new StartError('WRIT_BENCH_HSM_DELAY_MS must be a number of milliseconds');
  return delayMs;
}
