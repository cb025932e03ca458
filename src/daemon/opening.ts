/** What a start opens before anything is judged or appended: log and views, token and TPM, all at the same time. */

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { type VerifierKey, verifierKey } from '../format/note.js';
import { warmUp } from '../hash/warm-up.js';
import { type PinnedToken, readKeysFile } from '../hsm/keys-file.js';
import { openSigner } from '../hsm/process-signer.js';
import type { Signer } from '../hsm/signer.js';
import { retiredLogKeys } from '../hsm/succession.js';
import type { RetiredLogKey } from '../log/recovery.js';
import { type DaemonIdentity, ensureIdentity } from '../state/daemon-identity.js';
import { type OpenedViews, openViews } from '../state/open-views.js';
import type { Config } from './config.js';
import { StartError } from './start-error.js';
import { type OpenTpm, openTpm } from './tpm.js';
import { awaitedLater, whenOpened } from './under-way.js';

export interface OpenParts {
  readonly hsm: PinnedToken;
  readonly identity: DaemonIdentity;
  /** The log's own key. */
  readonly key: VerifierKey;
  readonly opened: OpenedViews;
  readonly signer: Signer;
  readonly openedTpm: OpenTpm | null;
}

/**
 * Opens everything; `undo` gets what closes it again, also what was still being opened when something failed. Throws what
 * each part throws: HsmError, TpmError, LogDamageError, IdentityError.
 */
export async function openParts(
  config: Config,
  logger: Logger,
  undo: (() => Promise<void> | void)[],
): Promise<OpenParts> {
  const { stateDirectory } = config;
  const hsm = readKeysFile(join(stateDirectory, 'keys.json'));
  const identity = await ensureIdentity(stateDirectory, config.origin, () => randomBytes(8).toString('hex'));
  const key = verifierKey(identity.origin, hsm.keys.log.publicKey);
  const directories = {
    journal: join(stateDirectory, 'journal'),
    log: join(stateDirectory, 'log'),
    views: join(stateDirectory, 'views'),
  };
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
  const openingTpm = awaitedLater(openTpm(stateDirectory, config.tpm));
  undo.push(() => whenOpened(openingTpm, (tpm) => tpm?.close()));
  const openingSigner = awaitedLater(
    openSigner({
      ...hsm,
      origin: identity.origin,
      floor: floorOf(openingLog, hsm.pin.type === 'tpm' ? openingTpm : null),
      callTimeoutMs: config.hsmCallTimeoutMs,
      startTimeoutMs: config.hsmStartTimeoutMs,
      onWarning: (warning: string) => logger.warn(warning),
      benchDelayMs: benchDelayMs(process.env.WRIT_BENCH_HSM_DELAY_MS),
    }),
  );
  undo.push(() => whenOpened(openingSigner, (signer) => signer.close()));
  warmUp();
  const opened = await openingLog;
  const { cutBytes } = opened.recovered;
  if (cutBytes > 0) logger.warn({ bytes: cutBytes }, 'cut a torn last write from the journal');
  const signer = await openingSigner;
  return { hsm, identity, key, opened, signer, openedTpm: await openingTpm };
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

/** For benchmarks alone: makes each signature take longer, as a slow token would. */
function benchDelayMs(setting: string | undefined): number {
  const delayMs = Number(setting ?? '0');
  if (!Number.isInteger(delayMs) || delayMs < 0)
    throw new StartError('WRIT_BENCH_HSM_DELAY_MS must be a number of milliseconds');
  return delayMs;
}
