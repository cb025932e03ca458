/** Who asks, as the stages of a request see it. */

import { sortedByName } from '../environment/measurement.js';
import type { ArtifactId } from '../format/artifact-id.js';
import type { Denial } from '../format/denial.js';
import type { Binding, Peer } from '../format/predicate.js';
import type { ProcessPlace } from '../identity/process-place.js';

/**
 * A caller as of this request: the kernel's facts, the names that its ids have on this machine, and what can be measured
 * of where it runs (a missing sensor is a missing binding). One object as long as nothing of it changes.
 */
export interface Caller {
  readonly peer: Peer;
  readonly user: string | null;
  readonly groups: readonly string[];
  readonly environment: readonly Binding[];
  /** The run that its process was seen inside of; null for a process in none. */
  readonly run: ObservedRun | null;
  /** Where its process stands among the runs; the kernel shows it, whatever is bound. */
  readonly place: ProcessPlace;
  /**
   * The same object for callers that are alike to every policy: nothing of them differs but which quotes vouch for what the
   * TPM says. What was decided for one of them was decided for all.
   */
  readonly likeness: object;
}

/** A live run by the id of its lease, and the authorization that it runs under. */
export interface ObservedRun {
  readonly lease: ArtifactId;
  readonly artifact: ArtifactId;
}

/** The caller with what its action adds to the environment: another object only where something is added. */
export function withBindings(caller: Caller, bindings: readonly Binding[]): Caller {
  return bindings.length === 0
    ? caller
    : { ...caller, environment: sortedByName([...caller.environment, ...bindings]), likeness: {} };
}

export type Identified =
  | { readonly outcome: 'identified'; readonly caller: Caller }
  | { readonly outcome: 'denied'; readonly denial: Denial<'IDENTITY_MISMATCH'> };
