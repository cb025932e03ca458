/**
 * Answers each request with the enrolled key and counter: the only code that has the daemon's TPM do something. No answer
 * leaves it that the pinned key did not sign.
 */

import { concatBytes, equalBytes } from '../../format/bytes.js';
import { hexDecode } from '../../format/hex.js';
import { parseAttestedQuote } from '../../format/tpm-attest.js';
import { parseAttestationPublic } from '../../format/tpm-public.js';
import { parseEcdsaSignature } from '../../format/tpm-signature.js';
import { sha256 } from '../../hash/sha256.js';
import { type P256Key, p256Key } from '../../verify/p256.js';
import type { Quote } from '../attester.js';
import { faultOf, TpmError, tpmFault, tpmName } from '../faults.js';
import { EnrolledTpm } from './enrolled-tpm.js';
import type { AttesterAnswer, AttesterRequest, AttesterStart } from './protocol.js';

export class AttestingService {
  readonly #tpm: EnrolledTpm;
  readonly #key: P256Key;
  readonly #pcrs: readonly number[];
  readonly #name: string;

  /** Throws TpmError: whatever keeps the enrolled key and counter from being found in the TPM. */
  constructor(start: AttesterStart) {
    this.#name = tpmName(start.tcti);
    this.#pcrs = start.pcrs;
    const { x, y } = parseAttestationPublic(start.attestationKey.publicArea);
    this.#key = p256Key(x, y);
    this.#tpm = new EnrolledTpm(start);
  }

  /** Answers one request; blocks while the TPM works. */
  answer(request: AttesterRequest): AttesterAnswer {
    try {
      return this.#perform(request);
    } catch (cause) {
      return this.#unavailable(cause);
    }
  }

  /** Ends the connection. */
  close(): void {
    this.#tpm.close();
  }

  #perform(request: AttesterRequest): AttesterAnswer {
    switch (request.type) {
      case 'quote': {
        const quote = this.#tpm.quote(request.qualifyingData);
        this.#requireTrue(quote, request.qualifyingData);
        return { type: 'quoted', quote };
      }
      case 'read-counter':
        return { type: 'counted', value: this.#tpm.readCounter() };
      case 'increment-counter':
        return { type: 'counted', value: this.#tpm.incrementCounter() };
    }
  }

  /** A handle can point at another key, a chip or what lies between can fail: a wrong quote must not get out. */
  #requireTrue({ attest, signature, pcrs }: Quote, qualifyingData: Uint8Array): void {
    const quoted = parseAttestedQuote(attest);
    const values = concatBytes(...pcrs.map(({ value }) => hexDecode(value)));
    const isTrue =
      equalBytes(quoted.extraData, qualifyingData) &&
      quoted.pcrs.join() === this.#pcrs.join() &&
      equalBytes(quoted.pcrDigest, sha256(values)) &&
      this.#key.verify(attest, parseEcdsaSignature(signature));
    if (isTrue) return;
    const message = `${this.#name} made a quote that does not verify under the pinned key, or is not the one asked for`;
    throw new TpmError(tpmFault('bad-answer', message));
  }

  /**
   * What failed is not tried again here: the caller learns of it while the TPM is looked for anew. A TPM in lockout is let
   * alone: the process ends, and the next one starts late.
   */
  #unavailable(cause: unknown): AttesterAnswer {
    const fault = faultOf(cause, this.#name);
    if (fault.code === 'lockout') return { type: 'unavailable', fault, process: 'ends' };
    try {
      this.#tpm.reconnect();
      return { type: 'unavailable', fault, process: 'continues' };
    } catch (lasting) {
      return { type: 'unavailable', fault: faultOf(lasting, this.#name), process: 'ends' };
    }
  }
}
