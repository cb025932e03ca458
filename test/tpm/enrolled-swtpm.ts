/** An enrolled TPM for tests of what is done with one: a real swtpm with a key and a counter, and an attester on it. */

import { parseAttestedQuote } from '../../src/format/tpm-attest.js';
import { type AttesterConfig, openAttester, type ProcessAttester } from '../../src/tpm/process-attester.js';
import type { PinnedTpm } from '../../src/tpm/tpm-file.js';
import { type Swtpm, startSwtpm } from './swtpm-home.js';
import { useTpm } from './use-tpm.js';

export interface EnrolledSwtpm {
  readonly machine: Swtpm;
  readonly pinned: PinnedTpm;
}

export const testHandle = 0x8102_0001;
export const testIndex = 0x0180_0001;

/** Starts a TPM and makes a key and a counter in it. */
export async function startEnrolledSwtpm(): Promise<EnrolledSwtpm> {
  const machine = await startSwtpm();
  return { machine, pinned: enrol(machine) };
}

/** Makes a key and a counter. */
export function enrol(machine: Swtpm): PinnedTpm {
  return useTpm(machine, (tpm) => {
    const key = tpm.createAttestationKey(testHandle);
    const { clock } = parseAttestedQuote(tpm.quote(testHandle, [0, 7], new Uint8Array(32)).attest);
    const { resetCount, restartCount } = clock;
    return {
      tcti: machine.tcti,
      development: true,
      attestationKey: { handle: testHandle, ...key, since: { resetCount, restartCount } },
      counter: { index: testIndex, name: tpm.defineCounter(testIndex).name },
      pcrs: [0, 7],
    };
  });
}

/** An attester with room for a busy machine. */
export function openTestAttester(
  pinned: PinnedTpm,
  changes: Partial<AttesterConfig> = {},
): Promise<ProcessAttester> {
  return openAttester({ ...pinned, callTimeoutMs: 5_000, startTimeoutMs: 20_000, ...changes });
}
