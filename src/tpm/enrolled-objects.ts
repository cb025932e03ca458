/** What an enrolment looks for in a TPM, and whether it is the one that was pinned. For processes that hold a connection. */

import type { CounterPublic, Tpm } from './addon.js';
import { TpmAddonError } from './addon-error.js';
import type { AttestationKey } from './attester.js';
import { TpmError, tpmFault } from './faults.js';

export interface PinnedObjects {
  readonly attestationKey: { readonly handle: number; readonly name: string };
  readonly counter: { readonly index: number; readonly name: string };
}

/** The key at a persistent handle; null when nothing lies there. */
export function findKey(tpm: Tpm, handle: number): AttestationKey | null {
  return unlessAbsent(() => tpm.readKey(handle));
}

/** The counter at an NV index; null when there is none. */
export function findCounter(tpm: Tpm, index: number): CounterPublic | null {
  return unlessAbsent(() => tpm.counterPublic(index));
}

/**
 * Makes sure that the pinned key and the pinned counter are in this TPM. Throws TpmError: `key-missing`, `key-differs`,
 * `counter-missing`, `counter-differs`; and what the addon throws.
 */
export function requirePinned(tpm: Tpm, { attestationKey, counter }: PinnedObjects, name: string): void {
  const handle = handleText(attestationKey.handle);
  const key = findKey(tpm, attestationKey.handle);
  if (key === null)
    throw new TpmError(tpmFault('key-missing', `${name} holds no key at the handle ${handle}`));
  if (key.name !== attestationKey.name)
    throw new TpmError(
      tpmFault('key-differs', `${name} holds another key than the pinned one at the handle ${handle}`),
    );
  const index = handleText(counter.index);
  const found = findCounter(tpm, counter.index);
  if (found === null)
    throw new TpmError(tpmFault('counter-missing', `${name} holds no counter at the index ${index}`));
  if (found.name !== counter.name)
    throw new TpmError(
      tpmFault('counter-differs', `${name} holds another counter than the pinned one at the index ${index}`),
    );
}

/** A handle or index as TPM tools write it. */
export function handleText(handle: number): string {
  return `0x${handle.toString(16).padStart(8, '0')}`;
}

function unlessAbsent<Found>(look: () => Found): Found | null {
  try {
    return look();
  } catch (cause) {
    if (cause instanceof TpmAddonError && cause.code === 'TPM_ABSENT') return null;
    throw cause;
  }
}
