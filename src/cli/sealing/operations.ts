/** Sealing a PIN to the TPM, inside a process that may hold it. */

import { createHash } from 'node:crypto';
import { hexDecode } from '../../format/hex.js';
import { HsmError } from '../../hsm/faults.js';
import { withPin } from '../../hsm/pkcs11/pin.js';
import { openTpm, type Tpm } from '../../tpm/addon.js';
import { TpmAddonError } from '../../tpm/addon-error.js';
import { faultOf, tpmName } from '../../tpm/faults.js';
import type { MachineState, SealedParts, SealingAnswer, SealingRequest } from './protocol.js';

/** Does what was asked; a fault of the PIN's source or of the TPM is an answer too. */
export function perform(request: SealingRequest): SealingAnswer {
  try {
    switch (request.type) {
      case 'seal':
        return { type: 'sealed', parts: seal(request) };
      case 'state':
        return { type: 'state', state: withTpm(request.tcti, (tpm) => stateOf(tpm, request)) };
      case 'count':
        return {
          type: 'counted',
          version: withTpm(request.tcti, (tpm) => tpm.incrementCounter(request.counterIndex)),
        };
    }
  } catch (cause) {
    if (cause instanceof HsmError) return { type: 'pin-failed', fault: cause.fault };
    const { message, remedy } = faultOf(cause, tpmName(request.tcti));
    return { type: 'tpm-failed', message: `${message}. ${remedy}` };
  }
}

type RequestOf<Type> = Extract<SealingRequest, { type: Type }>;

/** The PIN comes first, as a person may take his time: a TPM may serve nobody else meanwhile. */
function seal({ source, question, tcti, counterIndex, point, policyRef }: RequestOf<'seal'>): SealedParts {
  return withPin(source, { text: question, ask: 'once' }, ({ secret }) =>
    withTpm(tcti, (tpm) => {
      provideCounter(tpm, counterIndex);
      const { parentName, ...parts } = tpm.seal(secret, tpm.authorityPolicy({ point, policyRef }));
      return { ...parts, parentName: hexDecode(parentName) };
    }),
  );
}

function stateOf(tpm: Tpm, { pcrs, counterIndex, version }: RequestOf<'state'>): MachineState {
  const digest = createHash('sha256');
  for (const { value } of tpm.readPcrs(pcrs)) digest.update(hexDecode(value));
  const pcrDigest = new Uint8Array(digest.digest());
  const highestVersion = tpm.readCounter(counterIndex) + (version === 'next' ? 1 : 0);
  const policy = tpm.statePolicy({ pcrs, pcrDigest, counterIndex, highestVersion });
  return { pcrDigest, highestVersion, policy };
}

/** A counter that is there may be ours from before; that it counts is all that matters, as it can never go back. */
function provideCounter(tpm: Tpm, index: number): void {
  try {
    tpm.readCounter(index);
  } catch (cause) {
    if (!(cause instanceof TpmAddonError && cause.code === 'TPM_ABSENT')) throw cause;
    tpm.defineCounter(index);
  }
}

function withTpm<Result>(tcti: string, work: (tpm: Tpm) => Result): Result {
  const tpm = openTpm(tcti);
  try {
    return work(tpm);
  } finally {
    tpm.close();
  }
}
