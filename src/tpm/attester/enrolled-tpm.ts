/**
 * The connection to the enrolled TPM. The kernel's resource manager (/dev/tpmrm0) serves many clients, so a connection to it
 * stays open. A simulator listens to one connection at a time. Since version 3.2 tpm2-tss opens one for each command, so that
 * clients take turns by themselves; an older one keeps its connection, so we keep ours for a burst of work and give it up.
 */

import { openTpm, type Tpm } from '../addon.js';
import type { Quote } from '../attester.js';
import { requirePinned } from '../enrolled-objects.js';
import { faultOf, TpmError, tpmName } from '../faults.js';
import type { AttesterStart } from './protocol.js';

/** Longer than the way of an answer to the daemon and of its next request back. */
const idleMs = 25;
/** However busy we are: then it is another client's turn, where the library keeps its connection. */
const longestTurnMs = 1_000;

export class EnrolledTpm {
  readonly #enrolled: AttesterStart;
  readonly #name: string;
  readonly #sharesTpm: boolean;
  #tpm: Tpm | null = null;
  #turnBeganMs = 0;
  #idle: NodeJS.Timeout | null = null;

  /** Throws TpmError: no TPM, no support for one, or not the one with this key and counter. */
  constructor(enrolled: AttesterStart) {
    this.#enrolled = enrolled;
    this.#name = tpmName(enrolled.tcti);
    this.#sharesTpm = !enrolled.tcti.startsWith('device:');
    this.#use(() => {});
  }

  /** Quotes the enrolled PCRs. Throws what the addon throws. */
  quote(qualifyingData: Uint8Array): Quote {
    const { attestationKey, pcrs } = this.#enrolled;
    return this.#use((tpm) => tpm.quote(attestationKey.handle, pcrs, qualifyingData));
  }

  readCounter(): number {
    return this.#use((tpm) => tpm.readCounter(this.#enrolled.counter.index));
  }

  incrementCounter(): number {
    return this.#use((tpm) => tpm.incrementCounter(this.#enrolled.counter.index));
  }

  /** To be called after a failure: finds the TPM, the key and the counter again. Throws TpmError when it cannot. */
  reconnect(): void {
    this.close();
    this.#use(() => {});
  }

  close(): void {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
    this.#tpm?.close();
    this.#tpm = null;
  }

  #use<Result>(work: (tpm: Tpm) => Result): Result {
    if (this.#sharesTpm && this.#tpm !== null && performance.now() - this.#turnBeganMs > longestTurnMs)
      this.close();
    this.#tpm ??= this.#connect();
    try {
      return work(this.#tpm);
    } finally {
      if (this.#sharesTpm) this.#closeSoon();
    }
  }

  #connect(): Tpm {
    try {
      const tpm = openTpm(this.#enrolled.tcti);
      try {
        requirePinned(tpm, this.#enrolled, this.#name);
      } catch (cause) {
        tpm.close();
        throw cause;
      }
      this.#turnBeganMs = performance.now();
      return tpm;
    } catch (cause) {
      throw new TpmError(faultOf(cause, this.#name), { cause });
    }
  }

  #closeSoon(): void {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.close(), idleMs);
  }
}
