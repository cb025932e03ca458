/**
 * Judges a logged quote: did a TPM that the trust bundle names really vouch for this machine, at this point of the log? A
 * forged, replayed, stale or re-signed quote, or another machine's, is ENVIRONMENT_MISMATCH.
 */

import type { ArtifactId } from '../format/artifact-id.js';
import type { AttestationTrust } from '../format/attestation-trust.js';
import { base64Decode } from '../format/base64.js';
import { concatBytes, equalBytes } from '../format/bytes.js';
import { type Denial, denial } from '../format/denial.js';
import { hexDecode } from '../format/hex.js';
import { formatVerifierKey, parseNote } from '../format/note.js';
import { type QuoteRecord, qualifyingData } from '../format/quote.js';
import { type Instant, parseInstant } from '../format/time.js';
import { type AttestedQuote, parseAttestedQuote } from '../format/tpm-attest.js';
import { parseEcdsaSignature } from '../format/tpm-signature.js';
import type { Trust } from '../format/trust.js';
import { sha256 } from '../hash/sha256.js';
import { authenticate } from './authenticate.js';
import { type CheckpointVerdict, verifyCheckpoint } from './checkpoint.js';
import { VerificationContext } from './context.js';
import { bootFault, clockFault } from './tpm-clock.js';

/** A quote record whose place in a trusted log was proven (`proveQuote`, or by whoever keeps the log). */
export interface ProvenQuote {
  readonly id: ArtifactId;
  /** Index of its own log entry. */
  readonly index: number;
  readonly record: QuoteRecord;
}

export type QuoteProof =
  | { readonly outcome: 'proven'; readonly quote: ProvenQuote }
  | { readonly outcome: 'denied'; readonly denial: Denial };

/**
 * Proves that a trusted log holds this quote. Says nothing of what it is worth: see `judgeQuote`. Denies with
 * NO_AUTHORIZATION, MALFORMED or BAD_SIGNATURE as `authenticate` does, and NO_AUTHORIZATION for another kind of entry.
 * @param candidate the envelope over a quote record, parsed from JSON
 */
export function proveQuote(
  candidate: unknown,
  trust: Trust,
  context: VerificationContext = new VerificationContext(),
): QuoteProof {
  const result = authenticate(candidate, trust, context);
  if (result.outcome === 'denied') return { outcome: 'denied', denial: result.denial };
  const { id, index, payload } = result.authentic;
  if (payload.content === 'record' && payload.record.type === 'urn:writ:quote:v1')
    return { outcome: 'proven', quote: { id, index, record: payload.record } };
  const message = `this is a log entry of kind ${payload.kind}, not a quote`;
  return { outcome: 'denied', denial: denial('NO_AUTHORIZATION', message) };
}

export interface QuoteSituation {
  readonly trust: Trust;
  /** Index of the quote's own log entry. */
  readonly index: number;
  /** When whatever relies on the quote was made, or null where nothing does: then the quote's age is not judged. */
  readonly citedAt: Instant | null;
  /** The newest quote of the same key that the verifier has seen before this one, or null. */
  readonly previous: AttestedQuote | null;
}

/**
 * Everything that is wrong with a quote. Without attestation keys in the trust bundle only what the record says of itself is
 * judged (see `quoteIntegrityFaults`), and nothing proves that a TPM made it.
 * @param judgeCheckpoint as for `quoteIntegrityFaults`
 */
export function judgeQuote(
  record: QuoteRecord,
  situation: QuoteSituation,
  context: VerificationContext = new VerificationContext(),
  judgeCheckpoint?: CheckpointJudge,
): Denial<'ENVIRONMENT_MISMATCH'>[] {
  const { trust, index, citedAt, previous } = situation;
  const { attestation } = trust;
  return [
    ...quoteIntegrityFaults(record, index, trust, context, judgeCheckpoint).map(quoteDenial),
    ...orderFaults(record, attestation, previous).map(quoteDenial),
    ...(attestation === null ? [] : referenceFaults(record, attestation).map(quoteDenial)),
    ...(citedAt === null ? [] : judgeQuoteAge(record, citedAt, attestation)),
  ];
}

/** Whether the quote was recent enough when what cites it was made. */
export function judgeQuoteAge(
  { time }: QuoteRecord,
  citedAt: Instant,
  attestation: AttestationTrust | null,
): Denial<'ENVIRONMENT_MISMATCH'>[] {
  const ageMs = parseInstant(citedAt) - parseInstant(time);
  if (ageMs < 0) return [quoteDenial(`it was made at ${time}, after what cites it`)];
  if (attestation === null || ageMs <= attestation.maxAgeMs) return [];
  return [quoteDenial(`it was ${ageMs / 1000} s old, and ${attestation.maxAgeMs / 1000} s are the most`)];
}

/** The counts and the clock must lie behind what is known of the key. */
function orderFaults(
  record: QuoteRecord,
  attestation: AttestationTrust | null,
  previous: AttestedQuote | null,
): string[] {
  const key = attestation && attestationKeyOf(record, attestation);
  const unknown =
    attestation !== null && key === null
      ? [`the trust bundle names no attestation key ${record.key} for this log`]
      : [];
  const clock = readQuote(record)?.clock;
  if (clock === undefined) return unknown;
  const sinceFault = key && bootFault(key.since, clock);
  const previousFault = previous && clockFault(previous.clock, clock);
  return [
    ...unknown,
    ...(sinceFault === null ? [] : [`it was made before its key was enrolled: ${sinceFault}`]),
    ...(previousFault === null ? [] : [`it was made before a quote that is already known: ${previousFault}`]),
  ];
}

/** Says whether a checkpoint is of a trusted log, and under which of its keys. */
export type CheckpointJudge = (note: string) => CheckpointVerdict;

/**
 * What is wrong with a quote in itself, wherever and whenever it is looked at: its form, its signature (where the trust
 * bundle names its key), the checkpoint that it follows, its qualifying data, its PCR values.
 * @param judgeCheckpoint for those who know more of the log than its keys
 */
export function quoteIntegrityFaults(
  record: QuoteRecord,
  index: number,
  trust: Trust,
  context: VerificationContext = new VerificationContext(),
  judgeCheckpoint: CheckpointJudge = (note) => verifyCheckpoint(note, trust, context),
): string[] {
  let attested: AttestedQuote;
  let attest: Uint8Array;
  let signature: Uint8Array;
  try {
    attest = base64Decode(record.attest);
    attested = parseAttestedQuote(attest);
    signature = parseEcdsaSignature(base64Decode(record.signature));
  } catch (cause) {
    if (cause instanceof SyntaxError) return [`it cannot be read: ${cause.message}`];
    throw cause;
  }
  return [
    ...signatureFaults(record, attest, signature, trust, context),
    ...placeFaults(record, attested, index, judgeCheckpoint(record.checkpoint)),
    ...pcrFaults(record, attested),
  ];
}

function signatureFaults(
  record: QuoteRecord,
  attest: Uint8Array,
  signature: Uint8Array,
  { attestation }: Trust,
  context: VerificationContext,
): string[] {
  const key = attestation && attestationKeyOf(record, attestation);
  if (key === null) return [];
  try {
    return context.isQuotedBy(key.point, attest, signature)
      ? []
      : ['its signature is not of the attestation key that it names'];
  } catch (cause) {
    if (cause instanceof RangeError) return [`the trust bundle's attestation key is none: ${cause.message}`];
    throw cause;
  }
}

/** A denial for one thing that is wrong with a quote. */
export function quoteDenial(fault: string): Denial<'ENVIRONMENT_MISMATCH'> {
  return denial('ENVIRONMENT_MISMATCH', `the TPM quote does not hold: ${fault}`);
}

/** What a record's TPM signed; null for what cannot be read. */
export function readQuote({ attest }: QuoteRecord): AttestedQuote | null {
  try {
    return parseAttestedQuote(base64Decode(attest));
  } catch (cause) {
    if (cause instanceof SyntaxError) return null;
    throw cause;
  }
}

/** The key that a quote names, where the trust bundle believes it for the quote's log. */
export function attestationKeyOf({ log, key }: QuoteRecord, { keys }: AttestationTrust) {
  return keys.find((trusted) => trusted.log === log && trusted.name === key) ?? null;
}

/** The quote must follow a checkpoint of its own log that lies before its entry, and must have been asked for with it. */
function placeFaults(
  { checkpoint: note, log }: QuoteRecord,
  { extraData }: AttestedQuote,
  index: number,
  verdict: CheckpointVerdict,
): string[] {
  if (verdict.verdict === 'denied')
    return [`it follows a checkpoint of no trusted log: ${verdict.denial.message}`];
  const { checkpoint, log: signer } = verdict;
  if (checkpoint.origin !== log) return ['it follows a checkpoint of another log'];
  const faults = checkpoint.size > index ? ['it follows a checkpoint that is not older than itself'] : [];
  const expected = qualifyingData(formatVerifierKey(signer.key), parseNote(note).text);
  return equalBytes(extraData, expected)
    ? faults
    : [...faults, 'its qualifying data are not those of the checkpoint that it follows'];
}

/** The listed values must be those of exactly the quoted PCRs, and digest to the quoted digest. */
function pcrFaults({ pcrs }: QuoteRecord, attested: AttestedQuote): string[] {
  const isSelected =
    pcrs.length === attested.pcrs.length && pcrs.every(({ index }, at) => index === attested.pcrs[at]);
  if (!isSelected) return ['its PCR values are not of the PCRs that were quoted'];
  const digest = sha256(concatBytes(...pcrs.map(({ value }) => hexDecode(value))));
  return equalBytes(digest, attested.pcrDigest) ? [] : ['its PCR values do not digest to what was quoted'];
}

/** A reference value for a PCR that was not quoted is not met: else leaving the PCR out would be a way around it. */
function referenceFaults({ pcrs }: QuoteRecord, attestation: AttestationTrust): string[] {
  return attestation.pcrs.flatMap(({ index, values }) => {
    const quoted = pcrs.find((pcr) => pcr.index === index);
    if (quoted === undefined) return [`it does not cover PCR ${index}, for which there are reference values`];
    return values.includes(quoted.value) ? [] : [`PCR ${index} holds none of its reference values`];
  });
}
