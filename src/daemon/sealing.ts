/** How sealing something ended: what the stages of a request and the daemon's own records have in common. */

import type { ArtifactId } from '../format/artifact-id.js';
import type { Denial } from '../format/denial.js';

/** A payload under its seal: all that an envelope is made of. */
export interface SealedPayload {
  readonly id: ArtifactId;
  readonly index: number;
  readonly payloadType: string;
  readonly payload: Uint8Array;
  /** Text of the tlog-proof. */
  readonly proof: string;
}

export type Sealing =
  | { readonly outcome: 'sealed'; readonly sealed: SealedPayload }
  | {
      readonly outcome: 'unsealed';
      readonly denial: Denial<'HSM_UNAVAILABLE' | 'LOG_UNAVAILABLE' | 'OVERLOADED' | 'TOO_LARGE'>;
      /** It is logged all the same, before anything else is given. */
      readonly owed?: boolean;
    };
