/**
 * What holds of requests from inside of a run, and of artifacts that were issued under one: whoever is inside uses nothing from
 * outside, and nothing that a run asked for is of use once that run is over. Ask in the turn in which the grant is appended.
 */

import type { ArtifactId } from '../../format/artifact-id.js';
import { type Denial, denial } from '../../format/denial.js';
import type { Caller } from '../caller.js';
import type { GrantedArtifact } from '../granted-artifact.js';
import { isWithinRun } from './subtree.js';

/** The runs that live (runs/run-table.ts). */
export interface LiveRuns {
  readonly live: readonly {
    readonly lease: { readonly id: ArtifactId };
    readonly artifact: GrantedArtifact;
  }[];
}

/** LINEAGE_BROKEN where the run that the caller was seen inside of ended since. */
export function callerRunFaults(runs: LiveRuns, { run }: Pick<Caller, 'run'>): Denial[] {
  if (run === null || runs.live.some(({ lease }) => lease.id === run.lease)) return [];
  return [broken(`the run ${run.lease}, which the caller is inside of, has ended`)];
}

/** LINEAGE_BROKEN where an ancestor of an artifact, itself excluded, was redeemed for a run that is over. */
export function ancestorRunFaults(runs: LiveRuns, artifact: GrantedArtifact): Denial[] {
  return artifact.parent === null ? [] : parentRunFaults(runs, artifact.parent);
}

/** The same of an artifact that shall become the parent of another: itself included. */
export function parentRunFaults(runs: LiveRuns, parent: GrantedArtifact): Denial[] {
  for (let above: GrantedArtifact | null = parent; above !== null; above = above.parent) {
    const { id } = above.entry;
    const isRun = above.statement.predicate.validity.use === 'lease' && above.state.redeemed;
    if (isRun && !runs.live.some(({ artifact }) => artifact.entry.id === id))
      return [broken(`the run of ${id}, under which it stands, has ended`)];
  }
  return [];
}

/** LINEAGE_BROKEN where somebody inside of a run reaches for an artifact that did not come of that run. */
export function reachFaults(caller: Caller, artifact: GrantedArtifact): Denial[] {
  const { run } = caller;
  if (run === null || isWithinRun(caller, artifact)) return [];
  return [
    broken(
      `the caller runs under ${run.artifact}, and this artifact did not come of that`,
      'Use what was issued inside of the run, or ask from outside.',
    ),
  ];
}

function broken(message: string, remedy?: string): Denial<'LINEAGE_BROKEN'> {
  return denial('LINEAGE_BROKEN', message, remedy);
}
