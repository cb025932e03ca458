/** What comes of handing over and activating a policy document. */

import type { Denial } from '../../format/denial.js';
import type { Decision } from '../decision.js';
import type { SealedPayload } from '../sealing.js';

/** A part was taken; so much of the document is there. */
export type Staging =
  | { readonly outcome: 'staged'; readonly receivedBytes: number }
  | { readonly outcome: 'denied'; readonly denial: Denial<'MALFORMED'> };

export interface RefusedActivation {
  readonly outcome: 'refused';
  readonly grounds: readonly Denial[];
  /** What the policy said of it, if it was asked. */
  readonly decision: Decision | null;
}

/** The sealed record, or why there is none. */
export type Activation =
  | { readonly outcome: 'activated'; readonly sealed: SealedPayload }
  | RefusedActivation;
