/**
 * DSSE v1 envelopes (github.com/secure-systems-lab/dsse): a payload, its type, and signatures over both.
 * Fields that DSSE does not know are ignored, as its specification demands; the payload's own schema is closed.
 */

import { z } from 'zod';
import { base64Decode, base64DecodedLength, base64DecodeInto, base64Encode } from './base64.js';
import { concatBytes } from './bytes.js';
import { utf8Encode, utf8Length } from './utf8.js';

/** An envelope as JSON carries it: `payload` and `sig` are base64. */
export interface Envelope {
  readonly payload: string;
  readonly payloadType: string;
  readonly signatures: readonly EnvelopeSignature[];
}

export interface EnvelopeSignature {
  /** A hint only: keys and algorithms come from the trust bundle. */
  readonly keyid?: string | undefined;
  readonly sig: string;
}

export const envelopeSchema: z.ZodType<Envelope> = z.object({
  payload: z.string(),
  payloadType: z.string(),
  signatures: z.array(z.object({ keyid: z.string().optional(), sig: z.string() })).readonly(),
});

/**
 * Pre-Authentication Encoding (DSSE protocol.md): the bytes that are signed and digested.
 * `"DSSEv1" SP len(type) SP type SP len(payload) SP payload`, lengths in bytes, decimal.
 */
export function pae(payloadType: string, payload: Uint8Array): Uint8Array {
  return concatBytes(utf8Encode(paeHeader(payloadType, payload.length)), payload);
}

/** What precedes a payload of so many bytes in its Pre-Authentication Encoding. */
export function paeHeader(payloadType: string, payloadBytes: number): string {
  return `DSSEv1 ${utf8Length(payloadType)} ${payloadType} ${payloadBytes} `;
}

/** Puts a payload and one signature into an envelope. */
export function sealEnvelope(
  payloadType: string,
  payload: Uint8Array,
  keyid: string,
  signature: Uint8Array,
): Envelope {
  return {
    payload: base64Encode(payload),
    payloadType,
    signatures: [{ keyid, sig: base64Encode(signature) }],
  };
}

/** Payload bytes of an envelope. Throws SyntaxError for base64 that is not canonical. */
export function envelopePayload(envelope: Envelope): Uint8Array {
  return base64Decode(envelope.payload);
}

/** An envelope's payload within its PAE, of which it is the end. */
export interface EncodedPayload {
  readonly pae: Uint8Array;
  readonly payload: Uint8Array;
}

/**
 * Decodes an envelope's payload right behind the head of its PAE, into memory that `allocate` gives for so many bytes.
 * Throws SyntaxError as `envelopePayload` does.
 */
export function envelopePae(
  { payload, payloadType }: Envelope,
  allocate: (sizeBytes: number) => Uint8Array,
): EncodedPayload {
  const payloadBytes = base64DecodedLength(payload);
  const head = utf8Encode(paeHeader(payloadType, payloadBytes));
  const encoded = allocate(head.length + payloadBytes);
  encoded.set(head);
  const decoded = encoded.subarray(head.length);
  base64DecodeInto(payload, decoded);
  return { pae: encoded, payload: decoded };
}
