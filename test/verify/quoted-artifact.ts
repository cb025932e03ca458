/** A quote of a real TPM, logged by a software log, and an artifact that cites it: for tests of the pure verifier. */

import { createHash } from 'node:crypto';
import { artifactIdOf } from '../../src/format/artifact-id.js';
import type { AttestationDocument } from '../../src/format/attestation-trust.js';
import { base64Encode } from '../../src/format/base64.js';
import { entryOf } from '../../src/format/entry.js';
import { formatVerifierKey, parseNote } from '../../src/format/note.js';
import {
  attestedQuoteOf,
  bindingsOfQuote,
  type QuoteRecord,
  qualifyingData,
} from '../../src/format/quote.js';
import { encodeRecord, recordPayloadType } from '../../src/format/record.js';
import type { Statement } from '../../src/format/statement.js';
import { parseTrust, type Trust, type TrustDocument } from '../../src/format/trust.js';
import type { ProvenQuote } from '../../src/verify/quote.js';
import { authorization, nonce, origin, predicate, type TestLog } from './sealed-artifact.js';
import type { ToolKey, ToolTpm } from './tool-tpm.js';

export const quotedAt = '2025-12-31T23:59:50.000Z';
export const quoteIndex = 1;
export const quotedPcrs = [0, 1, 2, 3, 7];

/** The root of a log of one entry, whatever it is: nobody looks inside. */
const firstRoot = new Uint8Array(createHash('sha256').update('the first entry').digest());

/** The signed checkpoint over the log's first entry, which quotes follow. */
export function firstCheckpoint(log: TestLog, size = 1): string {
  return log.checkpoint(size, firstRoot);
}

/** What the TPM must be given so that its quote follows this checkpoint. */
export function qualifying(log: TestLog, note: string): Uint8Array {
  return qualifyingData(formatVerifierKey(log.key), parseNote(note).text);
}

/** Has the TPM quote and puts the quote into a record. */
export function quoteRecord(
  tpm: ToolTpm,
  key: ToolKey,
  log: TestLog,
  checkpoint = firstCheckpoint(log),
  pcrs: readonly number[] = quotedPcrs,
): QuoteRecord {
  const quote = tpm.quote(key, qualifying(log, checkpoint), pcrs);
  return {
    type: 'urn:writ:quote:v1',
    time: quotedAt,
    log: origin,
    nonce,
    checkpoint,
    key: key.name,
    attest: base64Encode(quote.attest),
    signature: base64Encode(quote.signature),
    pcrs: quote.pcrs,
  };
}

export function proven(record: QuoteRecord, index = quoteIndex): ProvenQuote {
  const { digests } = entryOf('quote', recordPayloadType, encodeRecord(record));
  return { id: artifactIdOf(digests), index, record };
}

/** Trust in the key of this quote, from its boot on, with the PCR values that it shows. */
export function attestationOf(record: QuoteRecord, key: ToolKey): AttestationDocument {
  const { resetCount, restartCount } = attestedQuoteOf(record).clock;
  return {
    keys: [
      {
        log: origin,
        name: key.name,
        publicArea: base64Encode(key.publicArea),
        since: { resetCount, restartCount },
      },
    ],
    pcrs: record.pcrs.map(({ index, value }) => ({ index, values: [value] })),
    maxAgeSeconds: 60,
  };
}

export function trustDocument(log: TestLog, attestation: AttestationDocument | null): TrustDocument {
  return {
    type: 'urn:writ:trust:v1',
    logs: [{ origin: log.key.name, vkey: formatVerifierKey(log.key), retired: null }],
    artifactKeys: [],
    attestation,
  };
}

export function trustOf(log: TestLog, attestation: AttestationDocument | null): Trust {
  return parseTrust(trustDocument(log, attestation));
}

/** An authorization that takes its TPM's bindings from the quote. */
export function citing({ id, record }: ProvenQuote): Statement {
  return authorization({ environment: [...predicate.environment, ...bindingsOfQuote(record, id)] });
}
