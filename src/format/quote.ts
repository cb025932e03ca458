/** What a logged quote says: how its payload decodes, what the TPM had to sign, and the bindings that follow from it. */

import { sha256OfText } from '../hash/sha256.js';
import type { ArtifactId } from './artifact-id.js';
import { base64Decode } from './base64.js';
import { hexEncode } from './hex.js';
import type { Binding } from './predicate.js';
import type { QuoteRecord } from './record.js';
import { type AttestedQuote, parseAttestedQuote } from './tpm-attest.js';

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
