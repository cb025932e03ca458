/**
 * What an evidence pack holds beside its entries: policy inputs, bundles, and proofs that those were signed. Nobody signed these texts as
 * they stand in the pack; each counts because something that the log proves digests it.
 */

import type { ArtifactId } from '../format/artifact-id.js';
import { base64Decode } from '../format/base64.js';
import { type BundleFiles, bundleDigest } from '../format/bundle-digest.js';
import { type Denial, denial } from '../format/denial.js';
import type { EvidencePack } from '../format/evidence-pack.js';
import { hexEncode } from '../format/hex.js';
import { isProof, type PolicyProof, proofDigest } from '../format/policy-document.js';
import type { PolicyActivationRecord } from '../format/policy-record.js';
import { parseInstant } from '../format/time.js';
import { sha3_512 } from '../hash/evidence.js';
import { type Chapter, ownDecision, type Placed } from './evidence-chapter.js';
import { documentSigner } from './policy-authority.js';

/** The texts of a pack by the digests (SHA3-512 in hex) under which the log names them. */
export interface PackTexts {
  readonly inputs: ReadonlyMap<string, Uint8Array>;
  /** Each input of the pack: whose it is said to be, and its digest. */
  readonly inputNames: readonly { readonly id: ArtifactId; readonly digest: string }[];
  readonly bundles: ReadonlyMap<string, BundleFiles>;
  readonly proofs: ReadonlyMap<string, PolicyProof>;
}

/** Digests every text of a pack. */
export function textsOf(pack: EvidencePack): PackTexts {
  const inputs = pack.inputs.map(({ id, input }) => {
    const bytes = base64Decode(input);
    return { id, bytes, digest: hexEncode(sha3_512(bytes)) };
  });
  return {
    inputs: new Map(inputs.map(({ digest, bytes }) => [digest, bytes])),
    inputNames: inputs.map(({ id, digest }) => ({ id, digest })),
    bundles: new Map(pack.bundles.map((files) => [bundleDigest(files), files])),
    proofs: new Map(pack.policyProofs.filter(isProof).map((proof) => [proofDigest(proof), proof])),
  };
}

/** How the bundles of a chapter came into force, each once. */
export function activationsOf({ policy }: Chapter): readonly Placed<PolicyActivationRecord>[] {
  const found = policy.flatMap(({ activation }) =>
    activation === null ? [] : [[activation.id, activation] as const],
  );
  return [...new Map(found).values()];
}

/** The proof that the bundle of an activation was signed; null where the pack holds none, or nobody signed. */
export function proofFor(
  { record: { statement } }: Placed<PolicyActivationRecord>,
  { proofs }: PackTexts,
): PolicyProof | null {
  return statement === null ? null : (proofs.get(statement) ?? null);
}

/**
 * What speaks against the signatures of the bundles that a chapter was decided under, but for that of an artifact, which is judged with
 * it: BAD_SIGNATURE for one that no pinned authority answers for, POLICY_MISMATCH for one of something else than was put in force.
 * Nothing where no authority is pinned: whoever judges no signature is told so.
 */
export function signatureFaults(
  chapter: Chapter,
  texts: PackTexts,
  authorities: readonly Uint8Array[],
): Denial[] {
  if (authorities.length === 0) return [];
  const { predicateType } = chapter.decision.statement;
  const judged = predicateType === 'urn:writ:denial:v1' ? null : (ownDecision(chapter)?.activation ?? null);
  return activationsOf(chapter).flatMap((activation): Denial[] => {
    if (activation.id === judged?.id) return [];
    const proof = proofFor(activation, texts);
    if (proof === null) return [];
    const { record, index } = activation;
    const verdict = documentSigner(authorities, proof, parseInstant(record.time));
    if (verdict.verdict === 'denied')
      return [
        denial(
          'BAD_SIGNATURE',
          `the signature of the bundle that entry ${index} put in force does not count: ${verdict.reason}`,
        ),
      ];
    const { statement, signer } = verdict;
    const isIt =
      statement.bundle === record.bundle &&
      statement.version === record.version &&
      signer === record.authority;
    return isIt
      ? []
      : [
          denial(
            'POLICY_MISMATCH',
            `the signature is not that of the bundle which entry ${index} put in force`,
          ),
        ];
  });
}

/** POLICY_MISMATCH for texts that nothing in the pack digests: somebody else put them into it. */
export function textFaults(texts: PackTexts, chapters: readonly Chapter[]): Denial[] {
  const faults: Denial[] = [];
  const policy = chapters.flatMap((chapter) => chapter.policy);
  if (
    texts.inputNames.some(
      ({ id, digest }) => !policy.some((each) => each.id === id && each.said.input === digest),
    )
  )
    faults.push(denial('POLICY_MISMATCH', 'a policy input of the file is not the one that was decided on'));
  const named = new Set(
    chapters.flatMap((chapter) => activationsOf(chapter).flatMap(({ record }) => record.statement ?? [])),
  );
  if ([...texts.proofs.keys()].some((digest) => !named.has(digest)))
    faults.push(denial('POLICY_MISMATCH', 'a proof of the file is not the one that the activation names'));
  const decidedUnder = new Set(policy.map(({ said }) => said.bundle));
  if ([...texts.bundles.keys()].some((digest) => !decidedUnder.has(digest)))
    faults.push(
      denial('POLICY_MISMATCH', 'a policy bundle of the file is not the one that was decided under'),
    );
  return faults;
}
