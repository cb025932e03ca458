/** The record of a quote, and what it says: how its payload decodes, what the TPM had to sign, and the bindings that follow from it. */

import { z } from 'zod';
import { sha256OfText } from '../hash/sha256.js';
import type { ArtifactId } from './artifact-id.js';
import { base64Decode } from './base64.js';
import { hexEncode } from './hex.js';
import type { Binding } from './predicate.js';
import { boundedBase64, type RecordHead, recordHeadShape } from './record-head.js';
import { type AttestedQuote, parseAttestedQuote } from './tpm-attest.js';
import { tpmNameSchema } from './tpm-public.js';

/**
 * The TPM vouches for the state of this machine at a moment between `checkpoint` and this entry. `attest` (TPMS_ATTEST) and
 * `signature` (TPMT_SIGNATURE) are base64 of what the TPM marshalled.
 */
export interface QuoteRecord extends RecordHead {
  readonly type: 'urn:writ:quote:v1';
  /** The newest checkpoint before the quote, as its signed note; the quote's qualifying data binds the note's text. */
  readonly checkpoint: string;
  /** Name of the attestation key (TPM 2.0 Library Part 1, section 16): `000b` and SHA-256, hex. */
  readonly key: string;
  readonly attest: string;
  readonly signature: string;
  /** What the quoted PCRs of the SHA-256 bank held, by rising index. */
  readonly pcrs: readonly PcrValue[];
}

/** One platform configuration register of the SHA-256 bank; `value` in hex. */
export interface PcrValue {
  readonly index: number;
  readonly value: string;
}

const pcrValuesSchema: z.ZodType<readonly PcrValue[]> = z
  .array(z.strictObject({ index: z.int().min(0).max(23), value: z.string().regex(/^[0-9a-f]{64}$/) }))
  .min(1)
  .max(24)
  .refine(
    (pcrs) => pcrs.every(({ index }, at) => at === 0 || index > (pcrs[at - 1]?.index ?? 24)),
    'must rise',
  )
  .readonly();

export const quoteRecordSchema = z.strictObject({
  ...recordHeadShape,
  type: z.literal('urn:writ:quote:v1'),
  checkpoint: z.string().min(1).max(4096),
  key: tpmNameSchema,
  attest: boundedBase64(4096),
  signature: boundedBase64(1024),
  pcrs: pcrValuesSchema,
});

/**
 * The 32 bytes that a quote must contain: they tie it to one log key and to the newest checkpoint that this key had signed,
 * so the quote cannot be older than that checkpoint.
 * @param vkey verifier key of the log (C2SP signed-note)
 * @param checkpointText the three lines that the log signed, without the signatures
 */
export function qualifyingData(vkey: string, checkpointText: string): Uint8Array {
  return sha256OfText(`writ.quote/v1\n${vkey}\n${checkpointText}`);
}

/** What the TPM signed. Throws SyntaxError for what is no quote. */
export function attestedQuoteOf({ attest }: QuoteRecord): AttestedQuote {
  return parseAttestedQuote(base64Decode(attest));
}

/**
 * The bindings that an artifact may take from a logged quote, sorted by name: the PCRs, the boot, the firmware. Throws
 * SyntaxError for what is no quote.
 * @param quote id of the quote's own log entry
 */
export function bindingsOfQuote(record: QuoteRecord, quote: ArtifactId): readonly Binding[] {
  const { pcrs, pcrDigest, clock, firmwareVersion } = attestedQuoteOf(record);
  return [
    { name: 'pcr', value: `sha256:${pcrs.join(',')}:${hexEncode(pcrDigest)}`, source: 'tpm', quote },
    { name: 'tpm.boot', value: `${clock.resetCount}.${clock.restartCount}`, source: 'tpm', quote },
    { name: 'tpm.firmware', value: firmwareVersion, source: 'tpm', quote },
  ];
}
