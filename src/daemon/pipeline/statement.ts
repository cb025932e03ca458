/** Stage 5: a decision -> the statement that says so. Pure: time and randomness come in as arguments. */

import type { Action } from '../../format/action.js';
import type { ArtifactId } from '../../format/artifact-id.js';
import { base64Encode } from '../../format/base64.js';
import type { Denials, EvidenceCode } from '../../format/denial.js';
import type { DigestSet } from '../../format/digest-set.js';
import { displayText } from '../../format/exact-text.js';
import { hexEncode } from '../../format/hex.js';
import { jcsBytes } from '../../format/jcs.js';
import type {
  Attribution,
  Bind,
  Descend,
  GrantPredicate,
  Initiator,
  Lineage,
  PolicyRecord,
} from '../../format/predicate.js';
import type { Claims } from '../../format/protocol.js';
import type { Statement, Subject } from '../../format/statement.js';
import { formatInstant } from '../../format/time.js';
import { evidenceDigests } from '../../hash/evidence.js';
import { sha256 } from '../../hash/sha256.js';
import type { Caller, Services } from '../services.js';

/** When, and with which nonce, a payload is made. */
export interface Stamp {
  readonly timeMs: number;
  readonly nonce: string;
}

export interface Grant {
  readonly action: Action;
  readonly caller: Caller;
  readonly claims: Claims;
  readonly policy: PolicyRecord;
  readonly ttlSeconds: number;
  readonly audience: string | null;
  readonly bind: Bind;
  readonly descend: Descend;
  readonly lineage: Lineage;
  /** The latest instant that the parent allows, or null without a parent. */
  readonly notAfterCapMs: number | null;
  readonly attribution: Attribution;
}

export interface Refusal {
  readonly method: string;
  readonly denials: Denials<EvidenceCode>;
  readonly caller: Caller;
  readonly claims: Claims;
  readonly policy: PolicyRecord | null;
  readonly attribution: Attribution;
}

/** An authorization, or for a `sign` action a blob signature. It runs as the caller's own user and group. */
export function grantStatement(grant: Grant, stamp: Stamp): Statement {
  const { action, caller, claims, ttlSeconds, notAfterCapMs } = grant;
  const endMs = stamp.timeMs + ttlSeconds * 1000;
  const predicate: GrantPredicate = {
    scope: {
      action,
      uid: caller.peer.uid,
      gid: caller.peer.gid,
      audience: grant.audience,
      bind: grant.bind,
      descend: grant.descend,
    },
    initiator: initiatorOf(caller, claims),
    policy: grant.policy,
    environment: caller.environment,
    validity: {
      notBefore: formatInstant(stamp.timeMs),
      notAfter: formatInstant(notAfterCapMs === null ? endMs : Math.min(endMs, notAfterCapMs)),
      use: 'single',
      nonce: stamp.nonce,
    },
    lineage: grant.lineage,
    governance: {
      authority: null,
      approvals: [],
      purpose: claims.purpose ?? null,
      ticket: claims.ticket ?? null,
    },
    attribution: grant.attribution,
  };
  const head = { _type: 'https://in-toto.io/Statement/v1', subject: [subjectOf(action)] } as const;
  return action.type === 'sign'
    ? { ...head, predicateType: 'urn:writ:signature:v1', predicate }
    : { ...head, predicateType: 'urn:writ:authorization:v1', predicate };
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
    log: services.origin,
    daemon: services.daemonId,
    host: services.hostId,
    request,
    previousCheckpoint: seal === null ? null : { size: seal.size, root: base64Encode(seal.root) },
  };
}

/** The lineage of a child of `parent`, or of an artifact that starts a tree. */
export function lineageUnder(parent: { readonly id: ArtifactId; readonly lineage: Lineage } | null): Lineage {
  if (parent === null) return { parent: null, root: null, depth: 0 };
  return { parent: parent.id, root: parent.lineage.root ?? parent.id, depth: parent.lineage.depth + 1 };
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
