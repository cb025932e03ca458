/** Checks of the TPM, where one is enrolled: that it answers, and holds the key and the counter that are pinned. */

import { join } from 'node:path';
import { TpmError } from '../../tpm/faults.js';
import { openAttester } from '../../tpm/process-attester.js';
import { findTpmFile, type PinnedTpm } from '../../tpm/tpm-file.js';
import { type Deployment, mayDaemonRun } from './deployment.js';
import { type Finding, verdictsOf } from './finding.js';
import { isClosed } from './permissions.js';

/** A chip that takes longer for one read is as good as none. */
const timeoutMs = 15_000;

export async function checkTpm(deployment: Deployment): Promise<Finding[]> {
  const { failed, skipped } = verdictsOf('TPM');
  const path = join(deployment.locations.stateDirectory, 'tpm.json');
  if (isClosed(path)) return [skipped(`this user may not read ${path}`)];
  try {
    const pinned = findTpmFile(path);
    if (pinned === null)
      return [
        skipped(
          `unavailable: none is enrolled (no ${path}); nothing is quoted or anchored, and policies that need it deny`,
        ),
      ];
    const held = heldBack(deployment, pinned);
    return held === null ? await ask(pinned) : [skipped(held)];
  } catch (cause) {
    if (!(cause instanceof TpmError)) throw cause;
    return [failed(cause.fault.message, cause.fault.remedy)];
  }
}

/** Why the TPM is left alone; null when it can be asked. The kernel shares a chip out, a simulator takes one at a time. */
function heldBack(deployment: Deployment, { development, tcti }: PinnedTpm): string | null {
  if (tcti.startsWith('device:')) return null;
  if (mayDaemonRun(deployment)) return `${tcti} is a simulator, which a running daemon has for itself`;
  return development ? `${tcti} is a simulator for development, which starts with the daemon` : null;
}

/** Starts a process that proves key and counter, as the daemon does, and reads the counter. Throws TpmError. */
async function ask(pinned: PinnedTpm): Promise<Finding[]> {
  const { ok, failed, warning } = verdictsOf('TPM');
  const attester = await openAttester({ ...pinned, callTimeoutMs: timeoutMs, startTimeoutMs: timeoutMs });
  try {
    const counter = await attester.readCounter();
    if (counter.outcome === 'unavailable') return [failed(counter.denial.message, counter.denial.remedy)];
    const text = `${pinned.tcti} holds the pinned attestation key, and the counter at ${counter.value}`;
    if (pinned.tcti.startsWith('device:')) return [ok(`${text}; no lockout`)];
    return [
      warning(
        `${text}, but it is a simulator and proves nothing`,
        'Enrol the TPM of the machine (writ tpm init).',
      ),
    ];
  } finally {
    await attester.close();
  }
}
