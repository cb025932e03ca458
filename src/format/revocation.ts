/**
 * What a revocation ends: one artifact, or everything that a rule names, issued before it and asked for after it. A rule is
 * compared by names, so that however many there are, one look-up for each name of an artifact tells.
 */

import { z } from 'zod';
import { type ArtifactId, artifactIdSchema } from './artifact-id.js';
import { sha3HexSchema } from './digest-set.js';
import { ed25519KeySchema, type GrantPredicate, type Initiator, type PolicyRecord } from './predicate.js';
import { policyRecordsSchema, type RecordHead, recordHeadShape, uidSchema } from './record-head.js';

/**
 * `initiator`: whoever asks as this uid, or with `executable` (SHA3-512 hex) only through that program. `bundle`: every decision
 * under this policy bundle (SHA3-512 hex). `key` (base64 of an Ed25519 key): an approver's, a delegate's, or a policy authority's.
 */
export type RevocationRule =
  | { readonly kind: 'initiator'; readonly uid: number; readonly executable: string | null }
  | { readonly kind: 'bundle'; readonly digest: string }
  | { readonly kind: 'key'; readonly key: string };

/** One log entry, with all artifacts that descend from it, or a rule. `index` is the log index of the entry. */
export type RevocationTarget =
  | { readonly kind: 'artifact'; readonly id: ArtifactId; readonly index: number }
  | RevocationRule;

export const revocationCauses = ['withdrawn', 'superseded', 'compromised', 'unsealed'] as const;
/** `unsealed`: the grant's seal missed its deadline, so nobody ever held a proof of it. */
export type RevocationCause = (typeof revocationCauses)[number];

/** Ends what the target names. `by` is the uid that asked, or null where the daemon itself revoked. */
export interface RevocationRecord extends RecordHead {
  readonly type: 'urn:writ:revocation:v1';
  readonly target: RevocationTarget;
  readonly cause: RevocationCause;
  readonly by: number | null;
  /** What the policy said; nothing where the daemon itself revoked. */
  readonly policy?: readonly PolicyRecord[];
}

const ruleSchemas = [
  z.strictObject({
    kind: z.literal('initiator'),
    uid: uidSchema,
    executable: sha3HexSchema.nullable(),
  }),
  z.strictObject({ kind: z.literal('bundle'), digest: sha3HexSchema }),
  z.strictObject({ kind: z.literal('key'), key: ed25519KeySchema }),
] as const;

export const revocationRuleSchema: z.ZodType<RevocationRule> = z.discriminatedUnion('kind', ruleSchemas);

export const revocationTargetSchema: z.ZodType<RevocationTarget> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('artifact'), id: artifactIdSchema, index: z.int().nonnegative() }),
  ...ruleSchemas,
]);

export const revocationRecordSchema = z.strictObject({
  ...recordHeadShape,
  type: z.literal('urn:writ:revocation:v1'),
  target: revocationTargetSchema,
  cause: z.enum(revocationCauses),
  by: uidSchema.nullable(),
  policy: policyRecordsSchema,
});

/** The names under which a rule is looked up. */
export function namesOfRule(rule: RevocationRule): readonly string[] {
  switch (rule.kind) {
    case 'initiator':
      // Where the program is not known, nothing proves that it is not this one.
      return rule.executable === null
        ? [`uid ${rule.uid}`]
        : [`uid ${rule.uid} ${rule.executable}`, unknownProgram(rule.uid)];
    case 'bundle':
      return [`bundle ${rule.digest}`];
    case 'key':
      return [`key ${rule.key}`];
  }
}

/** The names of all rules that would end an artifact. */
export function namesOfArtifact({ initiator, policy, scope, governance }: GrantPredicate): readonly string[] {
  const keys = governance.approvals.map(({ key }) => key);
  if (governance.authority !== null) keys.push(governance.authority);
  if (typeof scope.bind === 'object') keys.push(scope.bind.key);
  return [...namesOfInitiator(initiator), `bundle ${policy.bundle}`, ...keys.map((key) => `key ${key}`)];
}

function namesOfInitiator({ peer: { uid, executable } }: Initiator): readonly string[] {
  return executable.source === 'unavailable'
    ? [`uid ${uid}`, unknownProgram(uid)]
    : [`uid ${uid}`, `uid ${uid} ${executable.digests.sha3_512}`];
}

function unknownProgram(uid: number): string {
  return `uid ${uid} unknown`;
}

/** Whether a rule ends an artifact. Whoever has many rules looks names up instead. */
export function ruleEnds(rule: RevocationRule, predicate: GrantPredicate): boolean {
  const names = namesOfArtifact(predicate);
  return namesOfRule(rule).some((name) => names.includes(name));
}

/** What a revocation ends, in a few words. */
export function targetText(target: RevocationTarget): string {
  switch (target.kind) {
    case 'artifact':
      return `entry ${target.index}`;
    case 'initiator':
      return target.executable === null
        ? `uid ${target.uid}`
        : `uid ${target.uid} through the program ${target.executable.slice(0, 12)}...`;
    case 'bundle':
      return `the policy bundle ${target.digest.slice(0, 12)}...`;
    case 'key':
      return `the key ${target.key}`;
  }
}
