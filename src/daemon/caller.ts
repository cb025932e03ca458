/** Who asks, as the stages of a request see it. */

import type { Denial } from '../format/denial.js';
import type { Binding, Peer } from '../format/predicate.js';

/**
 * A caller as of this request: the kernel's facts, the names that its ids have on this machine, and what can be measured
 * of where it runs (a missing sensor is a missing binding). One object as long as nothing of it changes.
 */
export interface Caller {
  readonly peer: Peer;
  readonly user: string | null;
  readonly groups: readonly string[];
  readonly environment: readonly Binding[];
}

export type Identified =
  | { readonly outcome: 'identified'; readonly caller: Caller }
  | { readonly outcome: 'denied'; readonly denial: Denial<'IDENTITY_MISMATCH'> };
