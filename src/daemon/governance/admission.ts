/**
 * Whether a policy document may be put in force, as far as signatures and versions say: an authority that is pinned (or its
 * successor, or a delegate for that name) signed exactly this bundle, and its version is above the one in force.
 */

import { type Denial, denial } from '../../format/denial.js';
import type { Envelope } from '../../format/dsse.js';
import { type PolicyDocument, type PolicyProof, proofDigest, proofOf } from '../../format/policy-document.js';
import type { LogViews } from '../../state/views.js';
import {
  type Authorities,
  bundleSigner,
  chainTo,
  pinnedAuthorities,
  withAuthorityStatements,
  withoutKeys,
} from '../../verify/policy-authority.js';

/** Whether bundles must be signed by a policy authority. */
export type Demand = 'required' | 'optional';

/** Who answers for a bundle, and the proof of it. */
export interface BundleSignature {
  /** The key (base64) that signed. */
  readonly authority: string;
  readonly proof: PolicyProof;
  /** SHA3-512 in hex of the proof. */
  readonly proofDigest: string;
}

/** A bundle by what its settings say of it. */
export interface NamedBundle {
  readonly name: string;
  readonly version: number;
  readonly digest: string;
}

/** The bundle that decides now, and who signed it. */
export interface BundleInForce extends NamedBundle {
  readonly authority: string | null;
}

/** The authorities as of now: those that are pinned, and what the log holds of what they said; without keys that were revoked. */
export function loggedAuthorities(
  pinned: readonly Uint8Array[],
  { stated, revocations }: Pick<LogViews, 'stated' | 'revocations'>,
): Authorities {
  // Each was verified before it was logged. Of an authority that is pinned no more, nothing counts.
  const said = stated.authorityStatements.reduce<Authorities>((authorities, envelope) => {
    const followed = withAuthorityStatements(authorities, [envelope]);
    return followed.verdict === 'valid' ? followed.authorities : authorities;
  }, pinnedAuthorities(pinned));
  return withoutKeys(said, (key) => revocations.revokesKey(key));
}

export type ChainVerdict =
  | { readonly outcome: 'taken'; readonly authorities: Authorities; readonly taken: readonly Envelope[] }
  | { readonly outcome: 'denied'; readonly denial: Denial<'BAD_SIGNATURE'> };

/** Takes in what a document says of keys. BAD_SIGNATURE for anything that no authority of now said. */
export function takeChain(authorities: Authorities, { chain }: PolicyDocument): ChainVerdict {
  const followed = withAuthorityStatements(authorities, chain);
  return followed.verdict === 'valid'
    ? { outcome: 'taken', authorities: followed.authorities, taken: followed.taken }
    : {
        outcome: 'denied',
        denial: badSignature(`a statement about keys does not count: ${followed.reason}`),
      };
}

export type SignatureVerdict =
  | { readonly outcome: 'admitted'; readonly signature: BundleSignature | null }
  | { readonly outcome: 'denied'; readonly denial: Denial<'BAD_SIGNATURE' | 'POLICY_MISMATCH'> };

/**
 * Who answers for a bundle. BAD_SIGNATURE where nobody does and somebody must, and for a signature that does not count: a
 * wrong one is worse than none. POLICY_MISMATCH for a bundle that was made from another one than that in force.
 * @param inForce null where there is none yet
 */
export function checkSignature(
  document: PolicyDocument,
  bundle: NamedBundle,
  inForce: BundleInForce | null,
  { authorities, demand, nowMs }: Pick<AdmissionTerms, 'authorities' | 'demand' | 'nowMs'>,
): SignatureVerdict {
  const { statement: envelope } = document;
  if (envelope === null) {
    if (demand === 'optional') return { outcome: 'admitted', signature: null };
    return denied(
      badSignature(
        `the bundle "${bundle.name}" version ${bundle.version} is signed by nobody, and a policy authority must sign here`,
      ),
    );
  }
  const verdict = bundleSigner(authorities, envelope, nowMs);
  if (verdict.verdict === 'denied')
    return denied(badSignature(`the signature of the bundle does not count: ${verdict.reason}`));
  const { statement, signer } = verdict;
  if (
    statement.bundle !== bundle.digest ||
    statement.name !== bundle.name ||
    statement.version !== bundle.version
  )
    return denied(
      badSignature(`the signature is of another bundle: "${statement.name}" version ${statement.version}`),
    );
  if (verdict.as === 'delegate' && inForce !== null && inForce.name !== bundle.name)
    return denied(
      badSignature(
        `a delegate signed the bundle "${bundle.name}", and only an authority puts it in the place of "${inForce.name}"`,
      ),
    );
  const { previous } = statement;
  if (
    previous !== null &&
    inForce !== null &&
    previous !== inForce.digest &&
    bundle.digest !== inForce.digest
  )
    return denied(
      denial(
        'POLICY_MISMATCH',
        'the bundle was made from another one than the one in force',
        'Make the change again from the bundle in force (writ policy show), and have it signed.',
      ),
    );
  // Whoever is given the proof has no log, so all that leads to the signer goes with it.
  const proof = proofOf(envelope, chainTo(authorities, signer));
  return { outcome: 'admitted', signature: { authority: signer, proof, proofDigest: proofDigest(proof) } };
}

/** What else an admission depends on. */
export interface AdmissionTerms {
  readonly authorities: Authorities;
  readonly demand: Demand;
  readonly nowMs: number;
}

/** Versions only grow: POLICY_MISMATCH for any that does not, but for the very bundle in force under a signature that it lacks. */
export function checkVersion(
  bundle: NamedBundle,
  inForce: BundleInForce,
  signature: BundleSignature | null,
): Denial<'POLICY_MISMATCH'> | null {
  if (bundle.version > inForce.version) return null;
  const same = bundle.digest === inForce.digest;
  if (same && signature !== null && signature.authority !== inForce.authority) return null;
  const message = same
    ? `this bundle is in force already, as version ${inForce.version}`
    : `version ${bundle.version} is not above version ${inForce.version}, which is in force`;
  return denial('POLICY_MISMATCH', message, 'Raise version in bundle.toml above the one in force.');
}

function badSignature(message: string): Denial<'BAD_SIGNATURE'> {
  return denial(
    'BAD_SIGNATURE',
    message,
    'Have the bundle signed by a policy authority that is pinned here (writ policy sign).',
  );
}

function denied(reason: Denial<'BAD_SIGNATURE' | 'POLICY_MISMATCH'>): SignatureVerdict {
  return { outcome: 'denied', denial: reason };
}
