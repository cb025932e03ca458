/** A sealed authorization or blob signature, with what the log says of it. */

import type { LogState } from '../verify/situation.js';
import type { SealedGrant } from './recent-grants.js';

export interface GrantedArtifact extends SealedGrant {
  /** The authorization that it was issued under; null where there is none, or where it cannot be found. */
  readonly parent: GrantedArtifact | null;
  /** What the log says of it now. Ask again after every await: it may have been revoked meanwhile. */
  readonly state: LogState;
}
