/**
 * Cedar's whole input as one JSON document, built from plain facts. It is kept with each decision, so that the
 * decision can be replayed bit for bit: equal facts give an equal document, whatever order they came in.
 */

import type { ExecuteAction, SignAction, ToolAction } from '../format/action.js';
import { jcsText } from '../format/jcs.js';
import type { Bind, Binding, Confine, Peer } from '../format/predicate.js';
import type { RevocationRule } from '../format/revocation.js';
import type { JsonObject } from '../format/strict-json.js';
import { baseName, commandLine, policyText } from './policy-text.js';

/**
 * An artifact that somebody wants to redeem or revoke. `ownerUid` is the uid of the peer that asked for it. Which artifact
 * it is plays no part: a policy judges kinds of requests, and a revocation is what singles one out.
 */
export interface ArtifactRequest {
  readonly type: 'redeem' | 'revoke';
  readonly ownerUid: number;
  /** Who may redeem it; `key` for whoever holds a certain key. */
  readonly bind: BindKind;
  /** Whether it was issued under the run that the caller is inside of; false for a caller that is in none. */
  readonly withinRun: boolean;
}

export type BindKind = Extract<Bind, string> | 'key';

/** An authorization shall be handed to whoever holds a key (base64 of 32 bytes). */
export interface DelegationRequest {
  readonly type: 'delegate';
  readonly key: string;
}

/** A rule by which everything that it names is to be revoked. `inForce`: whether the daemon decides by that bundle now. */
export interface RuleRequest {
  readonly type: 'revoke-rule';
  readonly rule: RevocationRule;
  readonly inForce: boolean;
}

/**
 * A binding of an artifact that no longer holds where the artifact is redeemed: shall that be overlooked? `measured` is null
 * where it cannot be measured any more; `accepted`: the machine's owner accepted the new value.
 */
export interface ChangeRequest {
  readonly type: 'overlook';
  readonly ownerUid: number;
  readonly name: string;
  readonly sealed: Pick<Binding, 'value' | 'source'>;
  readonly measured: Pick<Binding, 'value' | 'source'> | null;
  readonly accepted: boolean;
}

/** A program, and how it would be run. */
export type ProgramRequest = ExecuteAction & {
  readonly use: 'single' | 'lease';
  readonly confine: Confine;
  readonly descend: 'none' | 'any' | 'listed';
};

/** A bundle that somebody wants to put in force. `authority` is the key (base64) that signed it, null where nobody did. */
export interface ActivationRequest {
  readonly type: 'activate';
  readonly digest: string;
  readonly name: string;
  readonly version: number;
  readonly authority: string | null;
}

/** What is asked for. The executable of an `execute` action is the real path: symbolic links already followed. */
export type PolicyRequest =
  | ProgramRequest
  | ToolAction
  | SignAction
  | ArtifactRequest
  | DelegationRequest
  | RuleRequest
  | ChangeRequest
  | ActivationRequest;

/** Who asks, and from where. */
export interface CallerFacts {
  readonly peer: Peer;
  /** Name of the peer's uid, if it has one. */
  readonly user: string | null;
  /** Names of the peer's groups; the numbers come from `peer`. */
  readonly groups: readonly string[];
  readonly environment: readonly Binding[];
}

/** Everything that a decision may depend on. */
export interface PolicyFacts extends CallerFacts {
  readonly claimed: { readonly agent: string | null; readonly user: string | null };
  readonly request: PolicyRequest;
  readonly purpose: string | null;
  readonly ticket: string | null;
  /** Whether the caller demands a fresh quote of the TPM; then there is one. */
  readonly attest: 'fresh' | null;
  /** Whether the caller demands that the redemption is anchored in the TPM before it counts; then it will be. */
  readonly anchor: 'fresh' | null;
  /** How many ancestors an authorization that comes of this would have. */
  readonly lineageDepth: number;
  /** Whether the caller is inside of a run. */
  readonly governed: boolean;
  /** Seconds since the Unix epoch where `bundle.needsTime`, else null. */
  readonly nowSeconds: number | null;
}

export interface EntityReference {
  readonly type: string;
  readonly id: string;
}

/** An entity in Cedar's JSON form (https://docs.cedarpolicy.com/auth/entities-syntax.html). */
export interface PolicyEntity {
  readonly uid: EntityReference;
  readonly attrs: JsonObject;
  readonly parents: readonly EntityReference[];
  readonly tags: JsonObject;
}

export interface CallerEntities {
  readonly principal: PolicyEntity;
  readonly environment: PolicyEntity;
}

/** The document that is decided on. The bundle's own entities (roles) are not in it: the bundle digest covers them. */
export interface PolicyInput {
  readonly principal: EntityReference;
  readonly action: EntityReference;
  readonly resource: EntityReference;
  readonly context: JsonObject;
  readonly entities: readonly PolicyEntity[];
}

/** Thrown for facts that would be ambiguous to a policy. Nothing can be decided on them: deny. */
export class PolicyInputError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PolicyInputError';
  }
}

/** What one kind of request adds to the input. */
interface RequestPart {
  readonly action: 'execute' | 'call' | 'sign' | 'redeem' | 'revoke' | 'delegate' | 'overlook' | 'activate';
  readonly resource: PolicyEntity;
  readonly context: JsonObject;
}

/**
 * Builds the input document, in the terms of policies/schema.cedarschema.
 * Throws PolicyInputError for a repeated binding name or a group name with a colon, and TypeError for text that
 * holds a lone surrogate; the readers of requests refuse both before.
 */
export function policyInput(
  facts: PolicyFacts,
  { principal, environment }: CallerEntities = callerEntities(facts),
): PolicyInput {
  const { action, resource, context } = requestPart(facts.request);
  return {
    principal: principal.uid,
    action: { type: 'Writ::Action', id: action },
    resource: resource.uid,
    context: {
      ...context,
      ...present({
        purpose: facts.purpose,
        ticket: facts.ticket,
        attest: facts.attest,
        anchor: facts.anchor,
        now: facts.nowSeconds,
      }),
      claimed: present({ ...facts.claimed }),
      environment: { __entity: { ...environment.uid } },
      lineageDepth: facts.lineageDepth,
      governed: facts.governed,
    },
    entities: [principal, resource, environment],
  };
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

function requestPart(request: PolicyRequest): RequestPart {
  switch (request.type) {
    case 'execute':
      return executePart(request);
    case 'tool':
      return {
        action: 'call',
        resource: entity('Writ::Tool', request.tool, {}, textArguments(request.arguments)),
        context: {
          argumentNames: sortedSet(Object.keys(request.arguments)),
          argumentsJson: jcsText(request.arguments),
        },
      };
    case 'sign': {
      const { name, sizeBytes, digests } = request;
      return {
        action: 'sign',
        resource: entity('Writ::Blob', digests.sha3_512, { name, sizeBytes, sha256: digests.sha256 }),
        context: {},
      };
    }
    case 'redeem':
    case 'revoke':
      return {
        action: request.type,
        resource: artifactEntity(request),
        context: {},
      };
    case 'delegate':
      return { action: 'delegate', resource: entity('Writ::Key', request.key, {}), context: {} };
    case 'revoke-rule':
      return { action: 'revoke', resource: ruleEntity(request), context: {} };
    case 'overlook':
      return { action: 'overlook', resource: changeEntity(request), context: {} };
    case 'activate': {
      const { digest, name, version, authority } = request;
      const resource = entity('Writ::Bundle', digest, { name, version, ...present({ authority }) });
      return { action: 'activate', resource, context: {} };
    }
  }
}

function artifactEntity({ ownerUid, bind, withinRun }: ArtifactRequest): PolicyEntity {
  return entity('Writ::Artifact', `uid:${ownerUid}`, { ownerUid, bind, withinRun });
}

function ruleEntity({ rule, inForce }: RuleRequest): PolicyEntity {
  switch (rule.kind) {
    case 'initiator': {
      const { uid, executable } = rule;
      const id = executable === null ? `uid:${uid}` : `uid:${uid} ${executable}`;
      return entity('Writ::Initiator', id, { uid, ...present({ executable }) });
    }
    case 'bundle':
      return entity('Writ::PolicyVersion', rule.digest, { inForce });
    case 'key':
      return entity('Writ::Key', rule.key, {});
  }
}

function changeEntity({ ownerUid, name, sealed, measured, accepted }: ChangeRequest): PolicyEntity {
  return entity('Writ::Change', name, {
    ownerUid,
    name,
    sealed: sealed.value,
    sealedSource: sealed.source,
    ...present({ measured: measured?.value ?? null, measuredSource: measured?.source ?? null }),
    accepted,
  });
}

function executePart({ executable, argv, cwd, digests, use, confine, descend }: ProgramRequest): RequestPart {
  const [calledAs, ...rest] = argv;
  if (calledAs === undefined) throw new PolicyInputError('a command has no argv[0]');
  const path = policyText(executable);
  const { sha3_512, sha256 } = digests;
  return {
    action: 'execute',
    resource: entity('Writ::Command', path, { path, name: baseName(executable), sha3_512, sha256 }),
    context: {
      calledAs: baseName(calledAs),
      arguments: sortedSet(rest.map(policyText)),
      argumentCount: rest.length,
      commandLine: commandLine(argv),
      cwd: policyText(cwd),
      use,
      confine,
      descend,
    },
  };
}

/** The arguments whose values are texts; a policy finds all others in `argumentsJson`. */
function textArguments(values: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => typeof value === 'string'));
}

function entity(type: string, id: string, attrs: JsonObject, tags: JsonObject = {}): PolicyEntity {
  return { uid: { type, id }, attrs, parents: [], tags };
}

/** Leaves out what is null: Cedar has no null, only attributes that are absent. */
function present(values: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
}

/** Each text once, in the order of UTF-16 code units: sets have no order, their document needs one. */
function sortedSet(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort();
}
