/** What came of a run: the artifacts that were issued under its authorization, and under those. */

import type { ArtifactId } from '../../format/artifact-id.js';
import type { PolicyRequest } from '../../policy/request.js';
import type { Caller } from '../caller.js';
import type { GrantedArtifact } from '../granted-artifact.js';

/** Whether an artifact was issued under the run that the caller is inside of. False for a caller that is in none. */
export function isWithinRun({ run }: Pick<Caller, 'run'>, artifact: GrantedArtifact): boolean {
  return run !== null && descendsFrom(artifact, run.artifact);
}

/** Whether an artifact was issued under this one, or under one that was. */
export function descendsFrom(artifact: GrantedArtifact, id: ArtifactId): boolean {
  for (let ancestor = artifact.parent; ancestor !== null; ancestor = ancestor.parent)
    if (ancestor.entry.id === id) return true;
  return false;
}

/** What a policy sees of an artifact that the caller wants to redeem or revoke. */
export function artifactRequest(
  type: 'redeem' | 'revoke',
  caller: Caller,
  artifact: GrantedArtifact,
): PolicyRequest {
  const { scope, initiator } = artifact.statement.predicate;
  return {
    type,
    ownerUid: initiator.peer.uid,
    bind: typeof scope.bind === 'object' ? 'key' : scope.bind,
    withinRun: isWithinRun(caller, artifact),
  };
}
