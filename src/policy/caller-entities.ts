/** The entities that come of whoever asks and of where it runs: the principal and the environment of the policy's input. */

import type { Binding, Peer } from '../format/predicate.js';
import type { JsonObject } from '../format/strict-json.js';
import { entity, type PolicyEntity, PolicyInputError, present, sortedSet } from './entity.js';
import { baseName, policyText } from './policy-text.js';

/** Who asks, and from where. */
export interface CallerFacts {
  readonly peer: Peer;
  /** Name of the peer's uid, if it has one. */
  readonly user: string | null;
  /** Names of the peer's groups; the numbers come from `peer`. */
  readonly groups: readonly string[];
  readonly environment: readonly Binding[];
}

export interface CallerEntities {
  readonly principal: PolicyEntity;
  readonly environment: PolicyEntity;
}

/**
 * The entities that come of the caller and of where it runs: the same ones for all its requests as long as neither
 * changes. Throws PolicyInputError.
 */
export function callerEntities(facts: CallerFacts): CallerEntities {
  return { principal: callerEntity(facts), environment: environmentEntity(facts.environment) };
}

function callerEntity({ peer, user, groups }: CallerFacts): PolicyEntity {
  const ambiguous = groups.find((name) => name.includes(':'));
  if (ambiguous !== undefined) {
    throw new PolicyInputError(
      `the group name ${JSON.stringify(ambiguous)} holds a colon, as only numbers may`,
    );
  }
  const numbers = [peer.gid, ...peer.groups].map((gid) => `gid:${gid}`);
  return {
    uid: { type: 'Writ::Caller', id: `uid:${peer.uid}` },
    attrs: {
      uid: peer.uid,
      gid: peer.gid,
      ...present({ user, cgroup: peer.cgroup, label: peer.label, executable: callerExecutable(peer) }),
    },
    parents: sortedSet([...groups, ...numbers]).map((id) => ({ type: 'Writ::Group', id })),
    tags: {},
  };
}

function callerExecutable({ executable }: Peer): JsonObject | null {
  switch (executable.source) {
    case 'unavailable':
      return null;
    case 'kernel':
    case 'reported':
      return {
        path: policyText(executable.path),
        name: baseName(executable.path),
        sha3_512: executable.digests.sha3_512,
        sha256: executable.digests.sha256,
        source: executable.source,
      };
  }
}

function environmentEntity(bindings: readonly Binding[]): PolicyEntity {
  const tags = new Map<string, JsonObject>();
  for (const { name, value, source } of bindings) {
    if (tags.has(name)) {
      throw new PolicyInputError(`the environment binding ${JSON.stringify(name)} is given twice`);
    }
    tags.set(name, { value, source });
  }
  return entity('Writ::Environment', 'request', {}, Object.fromEntries(tags));
}
