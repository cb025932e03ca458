/** Checks the sealed receipt of a redemption: the step from evidence to permission. */

import type { ArtifactId } from '../format/artifact-id.js';
import { type Denial, denial } from '../format/denial.js';
import { redeemerNonceDigest } from '../format/redeemer-nonce.js';
import type { RedemptionRecord } from '../format/redemption.js';
import type { Trust } from '../format/trust.js';
import { authenticate } from './authenticate.js';
import { VerificationContext } from './context.js';

export type ReceiptVerdict =
  | { readonly verdict: 'valid'; readonly id: ArtifactId; readonly receipt: RedemptionRecord }
  | { readonly verdict: 'denied'; readonly denial: Denial };

/**
 * Proves that a trusted log recorded the redemption of `artifact` for exactly this redeemer's nonce (base64).
 * Denies with NO_AUTHORIZATION, MALFORMED or BAD_SIGNATURE as `authenticate` does, NO_AUTHORIZATION for another kind
 * of entry, and REPLAYED for a receipt of another artifact or another redeemer.
 */
export function verifyReceipt(
  receipt: unknown,
  trust: Trust,
  expected: { readonly artifact: ArtifactId; readonly redeemerNonce: string },
  context: VerificationContext = new VerificationContext(),
): ReceiptVerdict {
  const result = authenticate(receipt, trust, context);
  if (result.outcome === 'denied') return { verdict: 'denied', denial: result.denial };
  const { id, payload } = result.authentic;
  if (payload.content !== 'record' || payload.record.type !== 'urn:writ:redemption:v1') {
    return {
      verdict: 'denied',
      denial: denial(
        'NO_AUTHORIZATION',
        `this is a ${payload.kind}, not the receipt of a redemption`,
        'Present the receipt that the redemption returned.',
      ),
    };
  }
  const { record } = payload;
  const nonceDigest = redeemerNonceDigest(expected.redeemerNonce);
  if (record.artifact !== expected.artifact || record.redeemerNonceDigest !== nonceDigest) {
    return {
      verdict: 'denied',
      denial: denial(
        'REPLAYED',
        'the receipt is of another redemption',
        'Present the receipt of the redemption that was asked for with this nonce.',
      ),
    };
  }
  return { verdict: 'valid', id, receipt: record };
}
