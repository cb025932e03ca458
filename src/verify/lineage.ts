/** Lineage: whether an artifact is the child that it says it is, and narrower than its parent. */

import type { ArtifactId } from '../format/artifact-id.js';
import { type Denial, denial } from '../format/denial.js';
import type { GrantPredicate } from '../format/predicate.js';
import { wideningFaults } from './narrowing.js';

/** A parent authorization with what its log knows of it. */
export interface ParentArtifact {
  readonly id: ArtifactId;
  readonly predicate: GrantPredicate;
  readonly state: { readonly revoked: boolean; readonly void: boolean };
}

/** Every way in which a child fails to be a narrower descendant of the parent that it names: LINEAGE_BROKEN, REVOKED, STATE_UNVERIFIABLE. */
export function lineageFaults(child: GrantPredicate, parent: ParentArtifact | null): Denial[] {
  const { lineage } = child;
  if (lineage.parent === null) {
    const rootless = lineage.root === null && lineage.depth === 0 && lineage.basis === 'none';
    return rootless ? [] : [broken('an artifact without a parent has neither a root nor a depth')];
  }
  if (parent === null) return [];
  if (parent.id !== lineage.parent)
    return [broken('the presented parent is not the one that the artifact names')];
  return [
    ...placeFaults(child, parent),
    ...wideningFaults(child, parent.predicate),
    ...parentStateFaults(parent),
  ];
}

function placeFaults({ lineage }: GrantPredicate, parent: ParentArtifact): Denial[] {
  const faults: Denial[] = [];
  if (lineage.basis === 'none') faults.push(broken('it names a parent without saying where that comes from'));
  if (lineage.depth !== parent.predicate.lineage.depth + 1)
    faults.push(broken('its depth is not one below its parent'));
  if (lineage.root !== (parent.predicate.lineage.root ?? parent.id))
    faults.push(broken("its root is not its parent's"));
  return faults;
}

function parentStateFaults({ state }: ParentArtifact): Denial[] {
  const faults: Denial[] = [];
  if (state.revoked) faults.push(denial('REVOKED', 'its parent was revoked'));
  if (state.void)
    faults.push(denial('STATE_UNVERIFIABLE', 'its parent was granted before a restart and is void'));
  return faults;
}

function broken(message: string): Denial {
  return denial('LINEAGE_BROKEN', message);
}
