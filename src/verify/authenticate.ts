/** The first half of verification: is this envelope's payload really in a trusted log, under its own kind? */

import { type ArtifactId, artifactIdOf } from '../format/artifact-id.js';
import { base64Decode } from '../format/base64.js';
import { equalBytes } from '../format/bytes.js';
import type { Checkpoint } from '../format/checkpoint.js';
import { type Denial, denial } from '../format/denial.js';
import { type Envelope, envelopePayload, envelopeSchema, pae } from '../format/dsse.js';
import { encodeEntry } from '../format/entry.js';
import { parseTlogProof, type TlogProof } from '../format/tlog-proof.js';
import type { Trust } from '../format/trust.js';
import { utf8Decode, utf8Encode } from '../format/utf8.js';
import { type EvidenceDigests, evidenceDigests, evidenceDigestsBatch } from '../hash/evidence.js';
import { ProofError } from '../merkle/proof.js';
import { type Hash, leafHash } from '../merkle/tree.js';
import { type CheckpointVerdict, verifyCheckpoint } from './checkpoint.js';
import { VerificationContext } from './context.js';
import { attributedLog, decodePayload, type LoggedPayload } from './payload.js';

/** Payload, id and place of something that a trusted log holds. */
export interface Authentic {
  readonly id: ArtifactId;
  readonly payload: LoggedPayload;
  readonly index: number;
  readonly checkpoint: Checkpoint;
}

export type Authentication =
  | { readonly outcome: 'authentic'; readonly authentic: Authentic }
  | DeniedAuthentication;

interface DeniedAuthentication {
  readonly outcome: 'denied';
  readonly denial: Denial<'NO_AUTHORIZATION' | 'MALFORMED' | 'BAD_SIGNATURE'>;
  /** What the payload says, where it could be read at all. Nothing vouches for it. */
  readonly claimed: LoggedPayload | null;
}

const proofHeader = utf8Encode('c2sp.org/tlog-proof@v1\n');

/** What each verification needs besides the artifact. */
export interface Verifier {
  /** The verdict on a checkpoint's note. */
  readonly checkpoint: (note: string) => CheckpointVerdict;
  readonly context: VerificationContext;
}

/** A verifier under one trust bundle, which must not change while it is used: each note is judged once. */
export function verifierUnder(trust: Trust, context: VerificationContext): Verifier {
  const judged = new Map<string, CheckpointVerdict>();
  const checkpoint = (note: string): CheckpointVerdict => {
    const known = judged.get(note);
    if (known !== undefined) return known;
    const verdict = verifyCheckpoint(note, trust, context);
    judged.set(note, verdict);
    return verdict;
  };
  return { checkpoint, context };
}

/**
 * Checks envelope, proof, checkpoint signature and inclusion. Denies NO_AUTHORIZATION for nothing at all, MALFORMED
 * for what is no envelope of ours, and BAD_SIGNATURE for whatever the trust bundle's logs do not prove.
 */
export function authenticate(
  candidate: unknown,
  trust: Trust,
  context: VerificationContext = new VerificationContext(),
): Authentication {
  const verifier = verifierUnder(trust, context);
  const opened = openArtifact(candidate, verifier);
  return opened.outcome === 'denied' ? opened : proveEntry(opened, evidenceDigests(opened.signed), verifier);
}

/**
 * Like `authenticate` for each candidate, in their order, with the same outcome. Checkpoints and tree nodes that they
 * have in common are checked once, and their evidence digests are taken together.
 */
export function authenticateBatch(
  candidates: readonly unknown[],
  trust: Trust,
  context: VerificationContext,
): Authentication[] {
  const verifier = verifierUnder(trust, context);
  const outcomes: Authentication[] = [];
  for (let start = 0; start < candidates.length; start += openedAtOnce) {
    const batch = candidates.slice(start, start + openedAtOnce).map((one) => openArtifact(one, verifier));
    const digests = evidenceDigestsBatch(
      batch.flatMap((one) => (one.outcome === 'opened' ? [one.signed] : [])),
    );
    let next = 0;
    for (const one of batch) {
      outcomes.push(
        one.outcome === 'denied' ? one : proveEntry(one, digests[next++] as EvidenceDigests, verifier),
      );
    }
  }
  return outcomes;
}

/** Enough to keep the hash core busy, and few enough to stay in the processor's cache. */
const openedAtOnce = 128;

/** An artifact that can be read and whose checkpoint a trusted log signed. Its place in the log is not proven yet. */
interface Opened {
  readonly outcome: 'opened';
  readonly payload: LoggedPayload;
  /** The DSSE PAE, over which the evidence digests are taken. */
  readonly signed: Uint8Array;
  readonly proof: TlogProof;
  readonly checkpoint: Checkpoint;
}

function openArtifact(candidate: unknown, verifier: Verifier): Opened | DeniedAuthentication {
  if (candidate === null || candidate === undefined) {
    return denied(denial('NO_AUTHORIZATION', 'no artifact was presented'), null);
  }
  const parsed = envelopeSchema.safeParse(candidate);
  if (!parsed.success) return denied(denial('MALFORMED', 'the artifact is not a DSSE envelope'), null);
  const { payloadType } = parsed.data;
  let payload: LoggedPayload;
  let bytes: Uint8Array;
  try {
    bytes = envelopePayload(parsed.data);
    payload = decodePayload(payloadType, bytes);
  } catch (cause) {
    return denied(denial('MALFORMED', `the artifact's payload cannot be read: ${messageOf(cause)}`), null);
  }
  const proof = readProof(parsed.data);
  if (typeof proof === 'string') return denied(denial('BAD_SIGNATURE', proof), payload);
  const verdict = verifier.checkpoint(proof.checkpoint);
  if (verdict.verdict === 'denied') return denied(verdict.denial, payload);
  const { checkpoint } = verdict;
  return { outcome: 'opened', payload, signed: pae(payloadType, bytes), proof, checkpoint };
}

function proveEntry(
  { payload, proof, checkpoint }: Opened,
  digests: EvidenceDigests,
  { context }: Verifier,
): Authentication {
  const leaf = leafHash(encodeEntry({ kind: payload.kind, digests }));
  const fault = inclusionFault(leaf, proof, checkpoint, context) ?? attributionFault(payload, checkpoint);
  if (fault !== null) return denied(denial('BAD_SIGNATURE', fault), payload);
  const authentic = { id: artifactIdOf(digests), payload, index: proof.index, checkpoint };
  return { outcome: 'authentic', authentic };
}

/** The one proof among an envelope's signatures (an export carries a plain signature beside it), or what is wrong. */
function readProof(envelope: Envelope): TlogProof | string {
  try {
    const texts = envelope.signatures.map(({ sig }) => base64Decode(sig)).map(proofText);
    const [text, ...others] = texts.filter((candidate) => candidate !== null);
    if (text === undefined) return 'none of the signatures is a proof of inclusion in a log';
    if (others.length > 0) return 'the artifact carries more than one proof of inclusion';
    return parseTlogProof(text);
  } catch (cause) {
    return `the proof of inclusion cannot be read: ${messageOf(cause)}`;
  }
}

/** A signature's text when it is a proof; null for the raw signature bytes of other schemes. */
function proofText(signature: Uint8Array): string | null {
  return equalBytes(signature.subarray(0, proofHeader.length), proofHeader) ? utf8Decode(signature) : null;
}

function inclusionFault(
  leaf: Hash,
  proof: TlogProof,
  checkpoint: Checkpoint,
  context: VerificationContext,
): string | null {
  try {
    return context.includes(checkpoint, leaf, proof.index, proof.hashes)
      ? null
      : 'the proof does not lead from this payload to the signed checkpoint';
  } catch (cause) {
    if (cause instanceof ProofError) return `the proof does not hold: ${cause.message}`;
    throw cause;
  }
}

function attributionFault(payload: LoggedPayload, { origin }: Checkpoint): string | null {
  return attributedLog(payload) === origin
    ? null
    : 'the artifact names another log than the one that proves it';
}

function denied(
  reason: Denial<'NO_AUTHORIZATION' | 'MALFORMED' | 'BAD_SIGNATURE'>,
  claimed: LoggedPayload | null,
): DeniedAuthentication {
  return { outcome: 'denied', denial: reason, claimed };
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
