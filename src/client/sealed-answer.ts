/** What is sealed in an answer: its payload, whose id must be its digest, proven under the trust bundle where there is one. */

import { artifactIdOf } from '../format/artifact-id.js';
import { base64Decode } from '../format/base64.js';
import { equalBytes } from '../format/bytes.js';
import { type Envelope, envelopePayload, pae } from '../format/dsse.js';
import { entryOf } from '../format/entry.js';
import { jcsText } from '../format/jcs.js';
import type { SealedArtifact } from '../format/protocol.js';
import type { LogRecord } from '../format/record.js';
import type { Trust } from '../format/trust.js';
import { authenticate } from '../verify/authenticate.js';
import { verifyCheckpoint } from '../verify/checkpoint.js';
import type { VerificationContext } from '../verify/context.js';
import { verifyingKey } from '../verify/ed25519.js';
import { decodePayload, type LoggedPayload } from '../verify/payload.js';

/** The answer is not of its request; `foreignness` returns the message. */
export class Mismatch extends Error {}

/** A trust bundle, and what was worked out under it before. */
export interface PinnedTrust {
  readonly trust: Trust;
  readonly context: VerificationContext;
}

/** Throws Mismatch with this sentence where the two are not the same JSON. */
export function same(actual: unknown, expected: unknown, sentence: string): void {
  if (jcsText(actual) !== jcsText(expected)) throw new Mismatch(sentence);
}

/** The payload of something sealed, whose id must be its digest, proven where there is a trust bundle. */
export function payloadOf(
  { id, index, artifact }: Omit<SealedArtifact, 'index'> & { readonly index?: number },
  pinned: PinnedTrust | null,
): LoggedPayload {
  same(idOf(artifact), id, 'its id is not the digest of its content');
  if (pinned !== null) {
    const result = authenticate(artifact, pinned.trust, pinned.context);
    if (result.outcome === 'denied')
      throw new Mismatch(`it does not verify under the pinned trust bundle: ${result.denial.message}`);
    if (index !== undefined) same(result.authentic.index, index, 'its proof is of another log index');
  }
  return decodePayload(artifact.payloadType, envelopePayload(artifact));
}

/** The payload of something sealed that must be a record of this type; otherwise throws Mismatch with this sentence. */
export function recordOf<Type extends LogRecord['type']>(
  type: Type,
  result: SealedArtifact,
  pinned: PinnedTrust | null,
  sentence: string,
): Extract<LogRecord, { readonly type: Type }> {
  const payload = payloadOf(result, pinned);
  if (payload.content === 'record' && isOf(type, payload.record)) return payload.record;
  throw new Mismatch(sentence);
}

function isOf<Type extends LogRecord['type']>(
  type: Type,
  record: LogRecord,
): record is Extract<LogRecord, { readonly type: Type }> {
  return record.type === type;
}

/** The id that is the digest of an envelope's content. */
export function idOf(artifact: Envelope): string {
  const bytes = envelopePayload(artifact);
  const { kind } = decodePayload(artifact.payloadType, bytes);
  return artifactIdOf(entryOf(kind, artifact.payloadType, bytes).digests);
}

/** An export carries exactly one plain Ed25519 signature over the PAE beside its proof. */
export function checkPlainSignature(
  artifact: Envelope,
  publicKey: Uint8Array,
  pinned: PinnedTrust | null,
): void {
  if (pinned !== null && !pinned.trust.artifactKeys.some((key) => equalBytes(key, publicKey)))
    throw new Mismatch('the pinned trust bundle does not name its artifact key');
  const message = pae(artifact.payloadType, envelopePayload(artifact));
  const plain = artifact.signatures.map(({ sig }) => base64Decode(sig)).filter(({ length }) => length === 64);
  const [signature] = plain;
  if (signature === undefined || plain.length > 1 || !verifyingKey(publicKey).verify(message, signature))
    throw new Mismatch('its plain signature does not verify under the key beside it');
}

export function checkCheckpoint(note: string, pinned: PinnedTrust): void {
  const verdict = verifyCheckpoint(note, pinned.trust, pinned.context);
  if (verdict.verdict === 'denied') throw new Mismatch(verdict.denial.message);
}
