/** The first half of verification: is this envelope's payload really in a trusted log, under its own kind? */

import { type ArtifactId, artifactIdOf } from '../format/artifact-id.js';
import type { Checkpoint } from '../format/checkpoint.js';
import { type Denial, denial } from '../format/denial.js';
import { entryText } from '../format/entry.js';
import type { TlogProof } from '../format/tlog-proof.js';
import type { Trust } from '../format/trust.js';
import { type EvidenceDigests, evidenceDigests, evidenceDigestsBatch } from '../hash/evidence.js';
import { ProofError } from '../merkle/proof.js';
import { type Hash, leafHashOfText } from '../merkle/tree.js';
import { ArtifactReader, type ReadArtifact, type Unreadable } from './artifact-reader.js';
import { type CheckpointVerdict, verifyCheckpoint } from './checkpoint.js';
import { VerificationContext } from './context.js';
import { attributedLog, type LoggedPayload } from './payload.js';

/** Payload, id and place of something that a trusted log holds. */
export interface Authentic {
  readonly id: ArtifactId;
  readonly payload: LoggedPayload;
  readonly index: number;
  readonly checkpoint: Checkpoint;
}

export type Authentication =
  | { readonly outcome: 'authentic'; readonly authentic: Authentic }
  /** BAD_SIGNATURE also for what can be read and is not proven; REVOKED for what a compromised log key sealed. */
  | Unreadable;

/**
 * Checks envelope, proof, checkpoint signature and inclusion. Denies NO_AUTHORIZATION for nothing at all, MALFORMED
 * for what is no envelope of ours, and BAD_SIGNATURE for whatever the trust bundle's logs do not prove.
 */
export function authenticate(
  candidate: unknown,
  trust: Trust,
  context: VerificationContext = new VerificationContext(),
): Authentication {
  const artifact = new ArtifactReader().read(candidate);
  if (artifact.outcome === 'denied') return artifact;
  return new Authenticator(trust, context).prove(artifact, evidenceDigests(artifact.pae));
}

/** So many keep the hash core busy, and their bytes stay in the processor's cache until they are hashed. */
const readAtOnce = 128;

/**
 * Like `authenticate` for each candidate, in their order, with the same outcome. Checkpoints and tree nodes that they
 * have in common are checked once, and their evidence digests are taken together.
 * @param conclude makes of each outcome what is to be kept of it
 */
export function authenticateBatch<Conclusion>(
  candidates: readonly unknown[],
  trust: Trust,
  context: VerificationContext,
  conclude: (outcome: Authentication, position: number) => Conclusion,
): Conclusion[] {
  const reader = new ArtifactReader();
  const authenticator = new Authenticator(trust, context);
  const conclusions: Conclusion[] = [];
  for (let start = 0; start < candidates.length; start += readAtOnce) {
    const artifacts = candidates.slice(start, start + readAtOnce).map((candidate) => reader.read(candidate));
    const digests = evidenceDigestsBatch(artifacts.filter(isRead).map(({ pae }) => pae)).values();
    for (const artifact of artifacts) {
      const outcome = isRead(artifact)
        ? authenticator.prove(artifact, digests.next().value as EvidenceDigests)
        : artifact;
      conclusions.push(conclude(outcome, conclusions.length));
    }
    reader.release();
  }
  return conclusions;
}

function isRead(artifact: ReadArtifact | Unreadable): artifact is ReadArtifact {
  return artifact.outcome === 'read';
}

/** Proves artifacts under one trust bundle, which must not change meanwhile: each checkpoint is judged once. */
class Authenticator {
  readonly #trust: Trust;
  readonly #context: VerificationContext;
  readonly #checkpoints = new Map<string, CheckpointVerdict>();

  constructor(trust: Trust, context: VerificationContext) {
    this.#trust = trust;
    this.#context = context;
  }

  /** `digests` are those of the artifact's PAE. */
  prove({ payload, proof }: ReadArtifact, digests: EvidenceDigests): Authentication {
    const verdict = this.#verdictOn(proof.checkpoint);
    if (verdict.verdict === 'denied') return { outcome: 'denied', denial: verdict.denial, claimed: payload };
    const { checkpoint } = verdict;
    const leaf = leafHashOfText(entryText({ kind: payload.kind, digests }));
    const fault = this.#inclusionFault(leaf, proof, checkpoint) ?? attributionFault(payload, checkpoint);
    if (fault !== null)
      return { outcome: 'denied', denial: denial('BAD_SIGNATURE', fault), claimed: payload };
    const lost = compromiseOf(checkpoint.origin, proof.index, this.#trust);
    if (lost !== null) return { outcome: 'denied', denial: lost, claimed: payload };
    return {
      outcome: 'authentic',
      authentic: { id: artifactIdOf(digests), payload, index: proof.index, checkpoint },
    };
  }

  #verdictOn(note: string): CheckpointVerdict {
    const known = this.#checkpoints.get(note);
    if (known !== undefined) return known;
    const verdict = verifyCheckpoint(note, this.#trust, this.#context);
    this.#checkpoints.set(note, verdict);
    return verdict;
  }

  #inclusionFault(leaf: Hash, { index, hashes }: TlogProof, checkpoint: Checkpoint): string | null {
    try {
      return this.#context.includes(checkpoint, leaf, index, hashes)
        ? null
        : 'the proof does not lead from this payload to the signed checkpoint';
    } catch (cause) {
      if (cause instanceof ProofError) return `the proof does not hold: ${cause.message}`;
      throw cause;
    }
  }
}

/**
 * What a compromised key sealed is revoked under any checkpoint: its successor's tree holds it too. Null for all else.
 */
function compromiseOf(log: string, index: number, { logs }: Trust): Denial<'REVOKED'> | null {
  const lost = logs.some(({ origin, retired }) => {
    if (origin !== log || retired?.compromisedFrom === undefined) return false;
    return retired.compromisedFrom <= index && index < retired.size;
  });
  return lost ? denial('REVOKED', 'it was sealed by a key that somebody else could use by then') : null;
}

function attributionFault(payload: LoggedPayload, { origin }: Checkpoint): string | null {
  return attributedLog(payload) === origin
    ? null
    : 'the artifact names another log than the one that proves it';
}
