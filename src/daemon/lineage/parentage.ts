/**
 * Under which authorization a request is made. A caller that was seen inside of a run asks under the authorization of that run,
 * whether it says so or not; it may name one further down, and none beside. Anybody else asks under what it names.
 */

import type { ArtifactId } from '../../format/artifact-id.js';
import { type Denial, denial, unknownIdRemedy } from '../../format/denial.js';
import type { Lineage } from '../../format/predicate.js';
import type { GrantStatement } from '../../format/statement-reader.js';
import { parseInstant } from '../../format/time.js';
import { lineageFaults } from '../../verify/lineage.js';
import { endMs } from '../../verify/narrowing.js';
import { findGrant } from '../artifacts.js';
import type { Caller } from '../caller.js';
import type { GrantedArtifact } from '../granted-artifact.js';
import type { Services } from '../services.js';
import { type LiveRuns, parentRunFaults } from './governance.js';
import { isWithinRun } from './subtree.js';

/** The parent of what will be granted, and where it is known from; null for what starts a tree. */
export interface Parentage {
  readonly artifact: GrantedArtifact;
  readonly basis: Exclude<Lineage['basis'], 'none'>;
}

export type FoundParentage =
  | { readonly outcome: 'found'; readonly parent: Parentage | null }
  | { readonly outcome: 'refused'; readonly denial: Denial<'LINEAGE_BROKEN'> };

const rootless: FoundParentage = { outcome: 'found', parent: null };

/** The parent of a request in which `named` stands, if anything. Without a run and a name there is nothing to wait for. */
export function findParentage(
  services: Services,
  { run }: Caller,
  named: ArtifactId | undefined,
): FoundParentage | Promise<FoundParentage> {
  if (run !== null) return parentageInRun(services, run, named ?? run.artifact);
  return named === undefined ? rootless : namedParentage(services, named);
}

async function namedParentage(services: Services, named: ArtifactId): Promise<FoundParentage> {
  const artifact = await findGrant(services, named);
  if (artifact?.entry.kind === 'authorization')
    return { outcome: 'found', parent: { artifact, basis: 'named' } };
  const message = 'the log holds no sealed authorization with the id of the parent';
  return { outcome: 'refused', denial: denial('LINEAGE_BROKEN', message, unknownIdRemedy) };
}

async function parentageInRun(
  services: Services,
  run: NonNullable<Caller['run']>,
  named: ArtifactId,
): Promise<FoundParentage> {
  const artifact = await findGrant(services, named);
  const isOwn = named === run.artifact;
  if (artifact?.entry.kind === 'authorization' && (isOwn || isWithinRun({ run }, artifact)))
    return { outcome: 'found', parent: { artifact, basis: isOwn ? 'observed' : 'named' } };
  const message = isOwn
    ? 'the authorization of the run that the caller is inside of cannot be found'
    : `the caller runs under ${run.artifact}, and the parent that it names did not come of that`;
  return {
    outcome: 'refused',
    denial: denial(
      'LINEAGE_BROKEN',
      message,
      'Leave the parent out: what a run asks for comes under that run.',
    ),
  };
}

/** Why a statement may not stand under its parent: it is wider, or the parent is revoked, void, or over. */
export function parentFaults(runs: LiveRuns, statement: GrantStatement, parent: Parentage | null): Denial[] {
  if (parent === null) return [];
  const { entry, state } = parent.artifact;
  const { predicate } = parent.artifact.statement;
  const { notBefore } = statement.predicate.validity;
  const isOver = endMs(predicate.validity) <= parseInstant(notBefore);
  return [
    ...lineageFaults(statement.predicate, { id: entry.id, predicate, state }),
    ...(isOver ? [denial('LINEAGE_BROKEN', 'its parent has expired')] : []),
    ...parentRunFaults(runs, parent.artifact),
  ];
}
