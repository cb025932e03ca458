/**
 * What the daemon asks of a TPM, and what it may rely on. The chip is reached by one process of its own with one serial
 * queue; every call settles within its deadline, and an answer is either the chip's or TPM_UNAVAILABLE, never a guess.
 */

import type { Denial } from '../format/denial.js';
import type { PcrValue } from '../format/quote.js';

export type AttesterReply<Value> =
  | { readonly outcome: 'done'; readonly value: Value }
  | { readonly outcome: 'unavailable'; readonly denial: Denial<'TPM_UNAVAILABLE'> };

/**
 * A quote as the TPM marshalled it (TPMS_ATTEST and TPMT_SIGNATURE, ECDSA over SHA-256 on P-256), and the values that the
 * quoted PCRs had: their digest is the quoted one, checked before this is returned.
 */
export interface Quote {
  readonly attest: Uint8Array;
  readonly signature: Uint8Array;
  readonly pcrs: readonly PcrValue[];
}

/** The attestation key: `name` in hex (Part 1, section 16), `publicArea` is its TPMT_PUBLIC. */
export interface AttestationKey {
  readonly name: string;
  readonly publicArea: Uint8Array;
}

export type AttesterState = 'ready' | 'restarting' | 'closed';

export interface Attester {
  readonly key: AttestationKey;
  /** Name of the NV counter (Part 1, section 16), hex. */
  readonly counterName: string;
  readonly state: AttesterState;
  /** Quotes the enrolled PCRs. `qualifyingData`: 32 bytes that the quote shall contain. */
  quote(qualifyingData: Uint8Array): Promise<AttesterReply<Quote>>;
  /** The counter's value. */
  readCounter(): Promise<AttesterReply<number>>;
  /** Adds one; returns the new value. After TPM_UNAVAILABLE it may have been added all the same: read it. */
  incrementCounter(): Promise<AttesterReply<number>>;
  close(): Promise<void>;
}
