/**
 * The start of `writd`: holds the lock of its state, and undoes what came up where something does not. Where keys are handed
 * over it starts twice.
 */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { HsmError } from '../hsm/faults.js';
import { type FileLock, lockFile } from '../kernel/file-lock.js';
import { LogDamageError } from '../log/damage.js';
import { IdentityError } from '../state/daemon-identity.js';
import { RecoveryFileError } from '../state/rollback-notice.js';
import { TpmError } from '../tpm/faults.js';
import { type Config, ConfigError } from './config.js';
import { bringUp, type Started } from './daemon.js';
import type { Daemon } from './running.js';
import { StartError } from './start-error.js';

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
