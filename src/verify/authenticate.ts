/** The first half of verification: is this envelope's payload really in a trusted log, under its own kind? */

import { type ArtifactId, artifactIdOf } from '../format/artifact-id.js';
import { base64Decode } from '../format/base64.js';
import { equalBytes } from '../format/bytes.js';
import type { Checkpoint } from '../format/checkpoint.js';
import { type Denial, denial } from '../format/denial.js';
import { type Envelope, envelopePayload, envelopeSchema } from '../format/dsse.js';
import { encodeEntry, entryOf } from '../format/entry.js';
import { parseTlogProof, type TlogProof } from '../format/tlog-proof.js';
import type { Trust } from '../format/trust.js';
import { utf8Decode, utf8Encode } from '../format/utf8.js';
import { ProofError, rootOfInclusion } from '../merkle/proof.js';
import { leafHash } from '../merkle/tree.js';
import { verifyCheckpoint } from './checkpoint.js';
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
  | {
      readonly outcome: 'denied';
      readonly denial: Denial<'NO_AUTHORIZATION' | 'MALFORMED' | 'BAD_SIGNATURE'>;
      /** What the payload says, where it could be read at all. Nothing vouches for it. */
      readonly claimed: LoggedPayload | null;
    };

const proofHeader = utf8Encode('c2sp.org/tlog-proof@v1\n');

/**
 * Checks envelope, proof, checkpoint signature and inclusion. Denies NO_AUTHORIZATION for nothing at all, MALFORMED
 * for what is no envelope of ours, and BAD_SIGNATURE for whatever the trust bundle's logs do not prove.
 */
export function authenticate(candidate: unknown, trust: Trust): Authentication {
  if (candidate === null || candidate === undefined) {
    return denied(denial('NO_AUTHORIZATION', 'no artifact was presented'), null);
  }
  const parsed = envelopeSchema.safeParse(candidate);
  if (!parsed.success) return denied(denial('MALFORMED', 'the artifact is not a DSSE envelope'), null);
  let payload: LoggedPayload;
  let bytes: Uint8Array;
  try {
    bytes = envelopePayload(parsed.data);
    payload = decodePayload(parsed.data.payloadType, bytes);
  } catch (cause) {
    return denied(denial('MALFORMED', `the artifact's payload cannot be read: ${messageOf(cause)}`), null);
  }
  const proof = readProof(parsed.data);
  if (typeof proof === 'string') return denied(denial('BAD_SIGNATURE', proof), payload);
  const signed = verifyCheckpoint(proof.checkpoint, trust);
  if (signed.verdict === 'denied') return denied(signed.denial, payload);
  const entry = entryOf(payload.kind, parsed.data.payloadType, bytes);
  const fault =
    inclusionFault(encodeEntry(entry), proof, signed.checkpoint) ??
    attributionFault(payload, signed.checkpoint);
  if (fault !== null) return denied(denial('BAD_SIGNATURE', fault), payload);
  const authentic = {
    id: artifactIdOf(entry.digests),
    payload,
    index: proof.index,
    checkpoint: signed.checkpoint,
  };
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

function inclusionFault(leaf: Uint8Array, proof: TlogProof, checkpoint: Checkpoint): string | null {
  try {
    const root = rootOfInclusion(leafHash(leaf), proof.index, checkpoint.size, proof.hashes);
    return equalBytes(root, checkpoint.root)
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
): Authentication {
  return { outcome: 'denied', denial: reason, claimed };
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
