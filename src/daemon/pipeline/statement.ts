/** Stage 5: a decision -> the statement that says so. Pure: time and randomness come in as arguments. */

import type { Action } from '../../format/action.js';
import { base64Encode } from '../../format/base64.js';
import type { Denials, EvidenceCode } from '../../format/denial.js';
import type { DigestSet } from '../../format/digest-set.js';
import { displayText } from '../../format/exact-text.js';
import { hexEncode } from '../../format/hex.js';
import { jcsBytes } from '../../format/jcs.js';
import {
  type Attribution,
  type Bind,
  type Confine,
  type Descend,
  type Execution,
  type GrantPredicate,
  type Initiator,
  type Lineage,
  type PolicyRecord,
  type ResourceLimits,
  undigested,
} from '../../format/predicate.js';
import type { Claims } from '../../format/protocol.js';
import type { Statement, Subject } from '../../format/statement.js';
import type { GrantStatement } from '../../format/statement-reader.js';
import { formatInstant } from '../../format/time.js';
import { evidenceDigests } from '../../hash/evidence.js';
import { sha256 } from '../../hash/sha256.js';
import type { Caller } from '../caller.js';
import type { GrantTerms, LeaseTerms } from '../grant-terms.js';
import type { Parentage } from '../lineage/parentage.js';
import type { Services } from '../services.js';

/** When, and with which nonce, a payload is made. */
export interface Stamp {
  readonly timeMs: number;
  readonly nonce: string;
}

/** What is worked out for each grant anew. */
export interface GrantOccasion {
  readonly lineage: Lineage;
  /** The latest instant that the parent allows, or null without a parent. */
  readonly notAfterCapMs: number | null;
  readonly attribution: Attribution;
}

/** What the caller chose, with defaults filled in, and who answers for the policy that allowed it. */
export interface GrantOptions {
  /** The key (base64) that signed the policy bundle, or null. */
  readonly authority: string | null;
  readonly ttlSeconds: number;
  readonly audience: string | null;
  readonly bind: Bind;
  readonly descend: Descend;
  readonly confine: Confine;
  readonly limits: ResourceLimits;
  readonly lease: LeaseTerms | null;
}

export interface Refusal {
  readonly method: string;
  readonly denials: Denials<EvidenceCode>;
  readonly caller: Caller;
  readonly claims: Claims;
  readonly policy: PolicyRecord | null;
  readonly attribution: Attribution;
}

/** The terms of a grant. It runs as the caller's own user and group. */
export function grantTerms(
  action: Action,
  caller: Caller,
  claims: Claims,
  policy: PolicyRecord,
  { authority, ttlSeconds, audience, bind, descend, confine, limits, lease }: GrantOptions,
): GrantTerms {
  const { uid, gid, groups } = caller.peer;
  const execution: Execution | null =
    action.type === 'execute' ? { groups: sortedIds(groups), confine, limits, undigested } : null;
  return {
    subject: subjectOf(action),
    scope: { action, uid, gid, audience, bind, descend, execution },
    initiator: initiatorOf(caller, claims),
    policy,
    environment: caller.environment,
    governance: {
      authority,
      approvals: [],
      purpose: claims.purpose ?? null,
      ticket: claims.ticket ?? null,
    },
    ttlSeconds,
    lease,
  };
}

/** Groups come in the order in which the kernel keeps them, which means nothing. */
function sortedIds(ids: readonly number[]): number[] {
  return [...new Set(ids)].sort((left, right) => left - right);
}

/** An authorization, or for a `sign` action a blob signature. */
export function grantStatement(
  { subject, scope, initiator, policy, environment, governance, ttlSeconds, lease }: GrantTerms,
  { lineage, notAfterCapMs, attribution }: GrantOccasion,
  stamp: Stamp,
): GrantStatement {
  const endMs = stamp.timeMs + ttlSeconds * 1000;
  // Members stand in the order in which they are written.
  const predicate: GrantPredicate = {
    attribution,
    environment,
    governance,
    initiator,
    lineage,
    policy,
    scope,
    validity: {
      nonce: stamp.nonce,
      notAfter: formatInstant(capped(endMs, notAfterCapMs)),
      notBefore: formatInstant(stamp.timeMs),
      ...(lease === null
        ? { use: 'single' }
        : {
            renewSeconds: lease.renewSeconds,
            until: formatInstant(capped(stamp.timeMs + lease.runSeconds * 1000, notAfterCapMs)),
            use: 'lease',
          }),
    },
  };
  const _type = 'https://in-toto.io/Statement/v1';
  return scope.action.type === 'sign'
    ? { _type, predicate, predicateType: 'urn:writ:signature:v1', subject: [subject] }
    : { _type, predicate, predicateType: 'urn:writ:authorization:v1', subject: [subject] };
}

function capped(timeMs: number, capMs: number | null): number {
  return capMs === null ? timeMs : Math.min(timeMs, capMs);
}

/** Evidence of a denial; its subject is the request, since what was asked for may not even exist. */
export function denialStatement(refusal: Refusal, requestBytes: Uint8Array, stamp: Stamp): Statement {
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'request', digest: digestSet(requestBytes) }],
    predicateType: 'urn:writ:denial:v1',
    predicate: {
      method: refusal.method,
      denials: refusal.denials,
      initiator: initiatorOf(refusal.caller, refusal.claims),
      policy: refusal.policy,
      environment: refusal.caller.environment,
      time: formatInstant(stamp.timeMs),
      nonce: stamp.nonce,
      attribution: refusal.attribution,
    },
  };
}

/** Where a statement comes from: this log and daemon, this request, and the newest seal before it. */
export function attributionOf(services: Services, request: string): Attribution {
  const { seal } = services.log;
  return {
    daemon: services.daemonId,
    host: services.hostId,
    log: services.origin,
    previousCheckpoint: seal === null ? null : { root: base64Encode(seal.root), size: seal.size },
    request,
  };
}

const noLineage: Lineage = { parent: null, root: null, depth: 0, basis: 'none' };

/** The lineage of a child of `parent`, or of an artifact that starts a tree. */
export function lineageUnder(parent: Parentage | null): Lineage {
  if (parent === null) return noLineage;
  const { entry, statement } = parent.artifact;
  const { root, depth } = statement.predicate.lineage;
  return { parent: entry.id, root: root ?? entry.id, depth: depth + 1, basis: parent.basis };
}

function initiatorOf({ peer }: Caller, claims: Claims): Initiator {
  return { peer, claimed: { agent: claims.agent ?? null, user: claims.user ?? null } };
}

function subjectOf(action: Action): Subject {
  switch (action.type) {
    case 'execute':
      return { name: displayText(action.executable), digest: action.digests };
    case 'sign':
      return { name: action.name, digest: action.digests };
    case 'tool':
      return { name: action.tool, digest: digestSet(jcsBytes(action)) };
  }
}

function digestSet(bytes: Uint8Array): DigestSet {
  const { sha3_512, blake2b } = evidenceDigests(bytes);
  return { sha3_512: hexEncode(sha3_512), blake2b: hexEncode(blake2b), sha256: hexEncode(sha256(bytes)) };
}
