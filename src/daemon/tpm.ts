/** The TPM of a daemon: where it is, who talks to it, and how far its counter can be believed. */

import { join } from 'node:path';
import type { BootCount } from '../format/attestation-trust.js';
import { type Denial, denial } from '../format/denial.js';
import { machineKind } from '../kernel/virtual-machine.js';
import type { CounterWitness } from '../state/continuity.js';
import type { Attester, AttesterReply } from '../tpm/attester.js';
import { startDevelopmentTpm } from '../tpm/development-tpm.js';
import { openAttester } from '../tpm/process-attester.js';
import { findTpmFile } from '../tpm/tpm-file.js';
import type { Anchoring, AnchorSettings } from './anchoring.js';
import type { Attestation } from './attestation.js';
import type { AttestedCallers } from './attested-caller.js';

export interface TpmSettings extends AnchorSettings {
  /** A quote is renewed after so long. */
  readonly quotePeriodMs: number;
  readonly callTimeoutMs: number;
  /** Whether the TPM keeps its state when disk and machine are taken back to an earlier one; null: worked out. */
  readonly outlivesSnapshots: boolean | null;
}

/** A TPM that was enrolled, and is reached. */
export interface OpenTpm {
  readonly attester: Attester;
  /** The attestation key's counts when it was enrolled. */
  readonly since: BootCount;
  readonly development: boolean;
  readonly pcrs: readonly number[];
  /** Whoever can take back the log can take back the TPM's counter too. */
  readonly erasable: boolean;
  close(): Promise<void>;
}

/** What the stages of a request need of the TPM. */
export interface TpmService extends Pick<OpenTpm, 'attester' | 'development' | 'pcrs'> {
  readonly attestation: Attestation;
  /** Callers with what the TPM vouches for. */
  readonly callers: AttestedCallers;
  readonly anchoring: Anchoring;
}

/**
 * Opens the TPM that `tpm.json` in the state directory pins; null where none was enrolled. A development TPM is started
 * with it. Throws TpmError for one that cannot be used.
 */
export async function openTpm(
  stateDirectory: string,
  { callTimeoutMs, outlivesSnapshots }: TpmSettings,
): Promise<OpenTpm | null> {
  const pinned = findTpmFile(join(stateDirectory, 'tpm.json'));
  if (pinned === null) return null;
  const simulator = pinned.development ? await startDevelopmentTpm(stateDirectory) : null;
  try {
    const attester = await openAttester({ ...pinned, callTimeoutMs });
    const outlives = outlivesSnapshots ?? (!pinned.development && machineKind() === 'physical');
    return {
      attester,
      since: pinned.attestationKey.since,
      development: pinned.development,
      pcrs: pinned.pcrs,
      erasable: !outlives,
      close: async () => {
        await attester.close();
        await simulator?.close();
      },
    };
  } catch (cause) {
    await simulator?.close();
    throw cause;
  }
}

/** The answer to whoever demands something of a TPM that was never enrolled. */
export const noTpm = denial(
  'TPM_UNAVAILABLE',
  'no TPM is enrolled on this machine',
  'Enrol one (writ tpm init), or ask without it.',
);

/** What the TPM's counter says against the log; TPM_UNAVAILABLE where it cannot be read. */
export async function witnessOf(tpm: OpenTpm | null): Promise<AttesterReply<CounterWitness>> {
  if (tpm === null) return { outcome: 'done', value: { witness: 'none' } };
  const { attester, erasable } = tpm;
  const read = await attester.readCounter();
  if (read.outcome === 'unavailable') return read;
  const reading = { key: attester.key.name, counter: attester.counterName, value: read.value };
  return { outcome: 'done', value: { witness: 'counter', reading, erasable } };
}

/** Why a TPM that was enrolled does not do its work just now; empty while all is well. */
export function tpmTroubles(tpm: TpmService | null): Denial[] {
  if (tpm === null) return [];
  const troubles = [tpm.attestation.trouble, tpm.anchoring.status.trouble];
  return troubles.filter((trouble) => trouble !== null);
}
