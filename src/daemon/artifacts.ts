/** Finds what the log holds by id, confirmed against the tree, with what the log says of it since. */

import type { ArtifactId } from '../format/artifact-id.js';
import { decodeStatement } from '../format/statement.js';
import type { LogEntry } from '../log/entry-reader.js';
import type { GrantedArtifact } from './granted-artifact.js';
import type { SealedGrant } from './recent-grants.js';
import type { Services } from './services.js';

export type { GrantedArtifact } from './granted-artifact.js';

/** The sealed entry with this id, or null. An entry without a seal counts as absent: nobody can hold a proof of it. */
export async function findEntry(services: Services, id: ArtifactId): Promise<LogEntry | null> {
  const { views } = services;
  const recent = await confirmedEntry(services, id, views.recentCandidates(id));
  return recent ?? confirmedEntry(services, id, await views.olderCandidates(id));
}

async function confirmedEntry(
  services: Services,
  id: ArtifactId,
  candidates: readonly number[],
): Promise<LogEntry | null> {
  const sealedSize = services.log.seal?.size ?? 0;
  for (const index of candidates) {
    if (index >= sealedSize) continue;
    const entry = await services.log.read(index);
    if (entry.id === id) return entry;
  }
  return null;
}

/** The sealed authorization or signature with this id, or null. */
export async function findGrant(services: Services, id: ArtifactId): Promise<GrantedArtifact | null> {
  const sealed =
    services.recentGrants.find(id, services.views.recentCandidates(id)) ?? (await readGrant(services, id));
  if (sealed === null) return null;
  const { entry, statement } = sealed;
  const { parent } = statement.predicate.lineage;
  const ancestor = parent === null ? null : await findGrant(services, parent);
  return {
    entry,
    statement,
    parent: ancestor,
    get state() {
      // An artifact is revoked when it or any of its ancestors is. An ancestor that cannot be found counts as revoked.
      const orphaned = parent !== null && (ancestor === null || ancestor.state.revoked);
      const { revocations } = services.views;
      const revoked =
        orphaned ||
        revocations.isRevoked(entry.index) ||
        revocations.ruleEnding(statement.predicate) !== null;
      const redeemed = services.views.isRedeemed(entry.index);
      return { revoked, redeemed, void: !redeemed && services.views.stated.isVoid(entry.index) };
    },
  };
}

async function readGrant(services: Services, id: ArtifactId): Promise<SealedGrant | null> {
  const entry = await findEntry(services, id);
  if (entry === null || (entry.kind !== 'authorization' && entry.kind !== 'signature')) return null;
  const statement = decodeStatement(entry.payload);
  if (statement.predicateType === 'urn:writ:denial:v1') return null;
  return { entry: { id, index: entry.index, kind: entry.kind }, statement };
}

/** Payloads that carry people's data are shown to the initiator, to the daemon's own user, and to root. */
export function mayRead(services: Services, readerUid: number, initiatorUid: number | null): boolean {
  return readerUid === 0 || readerUid === services.ownUid || readerUid === initiatorUid;
}
