/**
 * Checks of the TPM, where one is enrolled: that it answers, and holds the key and the counter that are pinned; and where a
 * daemon answers, that it quotes and anchors with it.
 */

import { join } from 'node:path';
import type { TpmStatus } from '../../format/protocol.js';
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
    const { daemon } = deployment;
    const used = daemon.daemon === 'answers' ? checkUse(daemon.status.tpm, pinned) : [];
    const held = heldBack(deployment, pinned);
    if (held === null) return [...used, ...(await ask(pinned))];
    return used.length > 0 ? used : [skipped(held)];
  } catch (cause) {
    if (!(cause instanceof TpmError)) throw cause;
    return [failed(cause.fault.message, cause.fault.remedy)];
  }
}

/** What the daemon says of it. Its troubles are told among those of the daemon. */
function checkUse(tpm: TpmStatus, pinned: PinnedTpm): Finding[] {
  const { ok, failed, warning } = verdictsOf('TPM');
  if (tpm.state === 'unavailable' || tpm.key !== pinned.attestationKey.name)
    return [
      failed('the daemon does not use the TPM that tpm.json pins', 'Restart writd: it was enrolled since.'),
    ];
  if (tpm.state !== 'ready')
    return [
      failed(
        `the daemon's attester is ${tpm.state}, so nothing is quoted or anchored`,
        'Read the log of writd.',
      ),
    ];
  const { quote, anchor } = tpm;
  const quoted = quote === null ? 'nothing quoted yet' : `the newest quote is ${quote.ageSeconds} s old`;
  const text = `the daemon works with it: ${quoted}, ${anchor.unprotectedEntries} entries behind the newest anchor`;
  if (anchor.writesLeft === 0)
    return [
      warning(
        `${text}; the budget of writes to its counter is used up for now`,
        'Anchor less often (tpm.anchor_period_seconds), or allow more writes if its maker does (tpm.anchor_writes_per_day).',
      ),
    ];
  return [ok(text)];
}

/** Why the TPM is left alone; null when it can be asked. The kernel shares a chip out; not every simulator is shared. */
function heldBack(deployment: Deployment, { development, tcti }: PinnedTpm): string | null {
  if (tcti.startsWith('device:')) return null;
  if (mayDaemonRun(deployment)) return `${tcti} is a simulator that a running daemon uses`;
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
