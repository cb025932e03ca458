/**
 * What can be asked for, and what each kind of request adds to the policy's input: an action, the resource that it is about,
 * and a context. In the terms of policies/schema.cedarschema.
 */

import type { ExecuteAction, SignAction, ToolAction } from '../format/action.js';
import { jcsText } from '../format/jcs.js';
import type { Bind, Binding, Confine } from '../format/predicate.js';
import type { RevocationRule } from '../format/revocation.js';
import type { JsonObject } from '../format/strict-json.js';
import { entity, type PolicyEntity, PolicyInputError, present, sortedSet } from './entity.js';
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

/** What one kind of request adds to the input. */
export interface RequestPart {
  readonly action: 'execute' | 'call' | 'sign' | 'redeem' | 'revoke' | 'delegate' | 'overlook' | 'activate';
  readonly resource: PolicyEntity;
  readonly context: JsonObject;
}

/** Throws PolicyInputError for a command without an argv[0], and TypeError for text that holds a lone surrogate. */
export function requestPart(request: PolicyRequest): RequestPart {
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
