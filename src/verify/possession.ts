/** Whether a proof of possession is one, of this key for this artifact. */

import type { ArtifactId } from '../format/artifact-id.js';
import { base64Decode } from '../format/base64.js';
import { type Denial, denial } from '../format/denial.js';
import {
  type PossessionClaim,
  type PossessionSignature,
  possessionNamespaces,
  possessionText,
} from '../format/possession.js';
import { verifyDetached } from './sshsig.js';

/** A proof as the verifier got it, and what it must be for. Null means that the verifier cannot tell. */
export interface PresentedPossession {
  readonly claim: PossessionClaim;
  readonly proof: PossessionSignature;
  readonly expected: {
    /** The nonce that the verifier chose, and never before. */
    readonly nonce: string | null;
    /** The verifier's own name. A proof that names an audience never counts where this is null. */
    readonly audience: string | null;
  };
}

/**
 * Why a proof does not show that its maker holds `key` (base64 of 32 bytes) and means the artifact `id` of the log `log`:
 * BAD_CREDENTIALS, or nothing.
 */
export function possessionFaults(
  key: string,
  id: ArtifactId,
  log: string,
  { claim, proof, expected }: PresentedPossession,
): Denial[] {
  if (claim.artifact !== id || claim.log !== log)
    return [bad('the proof of possession is for another artifact')];
  if (expected.nonce !== null && claim.nonce !== expected.nonce)
    return [bad('the proof of possession answers another nonce')];
  if (claim.audience !== null && claim.audience !== expected.audience) {
    const other =
      expected.audience === null ? 'and this verifier named none' : `not for ${expected.audience}`;
    return [bad(`the proof of possession is for ${claim.audience}, ${other}`)];
  }
  const verdict = verifyDetached(
    proof.form,
    base64Decode(key),
    base64Decode(proof.signature),
    possessionText(claim),
    possessionNamespaces[claim.use],
  );
  return verdict.outcome === 'valid'
    ? []
    : [bad(`the signature that shall prove possession of the key ${verdict.reason}`)];
}

/** That nobody proved to hold the key to which an artifact is bound. */
export function possessionMissing(): Denial<'BAD_CREDENTIALS'> {
  return bad('the artifact is bound to a key, and nothing proves that whoever presents it holds that key');
}

function bad(message: string): Denial<'BAD_CREDENTIALS'> {
  return denial(
    'BAD_CREDENTIALS',
    message,
    'Sign the proof with the key that the artifact is bound to (writ redeem --possession-key); it was not used up.',
  );
}
