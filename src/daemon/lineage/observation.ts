/**
 * Which run a connection belongs to: the one that its process was seen inside of, when it connected and at each request since. A
 * connection that was made inside of a run belongs to that run for ever, wherever its process goes afterwards.
 *
 * What the kernel tells is who connected (unix(7), SO_PEERCRED), not who writes. A connection that somebody outside made and
 * handed into a run is therefore his, as if he passed the requests on himself; once he has ended, it is nobody's.
 */

import type { ArtifactId } from '../../format/artifact-id.js';
import { type Denial, denial } from '../../format/denial.js';
import type { ProcessPlace } from '../../identity/process-place.js';
import type { ObservedRun } from '../caller.js';
import type { GrantedArtifact } from '../granted-artifact.js';
import { isWithinRun } from './subtree.js';

/** A run, as far as it matters here who is inside of it. */
export interface SeenRun {
  readonly lease: { readonly id: ArtifactId };
  readonly artifact: GrantedArtifact;
}

/** The runs that live, and which of them holds a process (runs/run-table.ts). */
export interface RunsAround {
  holding(
    place: ProcessPlace,
  ):
    | { readonly holding: 'none' }
    | { readonly holding: 'live'; readonly run: SeenRun }
    | { readonly holding: 'ended'; readonly sentence: string };
  find(lease: ArtifactId): { readonly state: 'live' | 'ending' } | null;
}

export type Observed =
  /** Null: its process was never seen inside of a run. */
  | { readonly outcome: 'known'; readonly run: ObservedRun | null }
  | { readonly outcome: 'denied'; readonly denial: Denial<'LINEAGE_BROKEN'> };

const free: Observed = { outcome: 'known', run: null };

export class Observation {
  readonly #runs: RunsAround;
  /** The innermost run that the process was seen inside of. */
  #seen: SeenRun | null = null;

  constructor(runs: RunsAround) {
    this.#runs = runs;
  }

  /**
   * Judges where the process is now, and remembers it. LINEAGE_BROKEN for a process that is inside of a run that has ended,
   * that left its run, or whose connection belongs to a run that has ended.
   */
  observe(place: ProcessPlace): Observed {
    const holding = this.#runs.holding(place);
    switch (holding.holding) {
      case 'ended':
        return broken(holding.sentence);
      case 'none':
        return this.#seen === null ? free : broken(`the caller left the run ${this.#seen.lease.id}`);
      case 'live':
        return this.#inside(holding.run);
    }
  }

  #inside(run: SeenRun): Observed {
    const seen = this.#seen;
    if (seen !== null && seen.lease.id !== run.lease.id) {
      if (!isLive(this.#runs, { lease: seen.lease.id }))
        return broken(`this connection belongs to the run ${seen.lease.id}, which has ended`);
      if (!isWithinRun({ run: { lease: seen.lease.id, artifact: seen.artifact.entry.id } }, run.artifact))
        return broken(`the caller went from the run ${seen.lease.id} into another one`);
    }
    this.#seen = run;
    return { outcome: 'known', run: { lease: run.lease.id, artifact: run.artifact.entry.id } };
  }
}

/** Whether a run still lives: ask again after every await. */
export function isLive(runs: Pick<RunsAround, 'find'>, { lease }: Pick<ObservedRun, 'lease'>): boolean {
  return runs.find(lease)?.state === 'live';
}

function broken(message: string): Observed {
  const remedy = 'Ask from a process that is inside of no run, or from one whose run still lives.';
  return { outcome: 'denied', denial: denial('LINEAGE_BROKEN', message, remedy) };
}
