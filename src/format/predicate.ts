/** The closed schemas of what an artifact says: scope, initiator, policy, environment, validity, lineage, governance, attribution. */

import { z } from 'zod';
import { type Action, actionSchema } from './action.js';
import { type ArtifactId, artifactIdSchema } from './artifact-id.js';
import { type Denial, type EvidenceCode, evidenceDenialSchema } from './denial.js';
import { type DigestSet, digestSetSchema, sha3HexSchema } from './digest-set.js';
import { type ExactText, exactTextSchema } from './exact-text.js';
import { type Instant, instantSchema } from './time.js';

/** Who may redeem: any process of the uid, only that executable of the uid, or only the very process that asked. */
export type Bind = 'uid' | 'executable' | 'process';
/** What the executed program may start in turn. Recorded here; enforced by whoever runs it. */
export type Descend = 'none' | 'any';

export interface Scope {
  readonly action: Action;
  /** The user and group that the action runs as. */
  readonly uid: number;
  readonly gid: number;
  /** The one relying party that may accept the artifact, or null for any. */
  readonly audience: string | null;
  readonly bind: Bind;
  readonly descend: Descend;
}

/** A fact about the caller, or the plain word that it could not be had. */
export type ExecutableFact =
  | { readonly source: 'kernel' | 'reported'; readonly path: ExactText; readonly digests: DigestSet }
  | { readonly source: 'unavailable'; readonly reason: string };

/** The caller as the kernel shows it. `startTime` is in clock ticks since boot (proc(5), stat field 22). */
export interface Peer {
  readonly pid: number;
  readonly startTime: number;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly executable: ExecutableFact;
  readonly cgroup: string | null;
  readonly label: string | null;
}

export interface Initiator {
  readonly peer: Peer;
  /** What the caller says of itself. Nothing proves it. */
  readonly claimed: { readonly agent: string | null; readonly user: string | null };
}

/** `bundle` and `input` are SHA3-512 hex: of the policy bundle, and of the JCS document that was evaluated. */
export interface PolicyRecord {
  readonly bundle: string;
  readonly version: number;
  readonly decision: 'allow' | 'deny';
  /** Ids of the policies that determined the decision, sorted. */
  readonly determining: readonly string[];
  readonly engine: string;
  readonly input: string;
}

export type BindingSource = Binding['source'];

/** One fact about where the action may run. What the TPM vouches for names the logged quote that says so. */
export type Binding =
  | { readonly name: string; readonly value: string; readonly source: 'kernel' | 'reported' }
  | {
      readonly name: string;
      readonly value: string;
      readonly source: 'tpm';
      readonly quote: ArtifactId;
    };

export interface Validity {
  readonly notBefore: Instant;
  readonly notAfter: Instant;
  readonly use: 'single' | 'lease';
  /** Base64 of 16 random bytes. */
  readonly nonce: string;
}

export interface Lineage {
  readonly parent: ArtifactId | null;
  /** The first ancestor; null for an artifact that has none. */
  readonly root: ArtifactId | null;
  readonly depth: number;
}

export interface Governance {
  readonly authority: string | null;
  readonly approvals: readonly ArtifactId[];
  readonly purpose: string | null;
  readonly ticket: string | null;
}

export interface Attribution {
  /** Origin of the log whose checkpoint must prove the artifact. */
  readonly log: string;
  readonly daemon: string;
  readonly host: string;
  /** SHA3-512 hex over the JCS of `{method, params}` as they were asked. */
  readonly request: string;
  /** The newest checkpoint before this statement, if there was one. */
  readonly previousCheckpoint: { readonly size: number; readonly root: string } | null;
}

/** The parts that authorizations and blob signatures have in common. */
export interface GrantPredicate {
  readonly scope: Scope;
  readonly initiator: Initiator;
  readonly policy: PolicyRecord;
  readonly environment: readonly Binding[];
  readonly validity: Validity;
  readonly lineage: Lineage;
  readonly governance: Governance;
  readonly attribution: Attribution;
}

/** Signed evidence of a refusal. `policy` is null where the refusal came before any policy was evaluated. */
export interface DenialPredicate {
  readonly method: string;
  readonly denials: readonly Denial<EvidenceCode>[];
  readonly initiator: Initiator;
  readonly policy: PolicyRecord | null;
  readonly environment: readonly Binding[];
  readonly time: Instant;
  readonly nonce: string;
  readonly attribution: Attribution;
}

const id32Schema = z.int().min(0).max(0xffff_ffff);
const nameSchema = z.string().min(1).max(256);
const shortTextSchema = z.string().max(1024);
export const nonceSchema = z.string().regex(/^[A-Za-z0-9+/]{21}[AQgw]==$/, 'must be base64 of 16 bytes');

const scopeSchema: z.ZodType<Scope> = z.strictObject({
  action: actionSchema,
  uid: id32Schema,
  gid: id32Schema,
  audience: nameSchema.nullable(),
  bind: z.enum(['uid', 'executable', 'process']),
  descend: z.enum(['none', 'any']),
});

const executableFactSchema: z.ZodType<ExecutableFact> = z.discriminatedUnion('source', [
  z.strictObject({ source: z.enum(['kernel', 'reported']), path: exactTextSchema, digests: digestSetSchema }),
  z.strictObject({ source: z.literal('unavailable'), reason: shortTextSchema }),
]);

const initiatorSchema: z.ZodType<Initiator> = z.strictObject({
  peer: z.strictObject({
    pid: id32Schema,
    startTime: z.int().nonnegative(),
    uid: id32Schema,
    gid: id32Schema,
    groups: z.array(id32Schema).max(65_536).readonly(),
    executable: executableFactSchema,
    cgroup: z.string().nullable(),
    label: z.string().nullable(),
  }),
  claimed: z.strictObject({ agent: nameSchema.nullable(), user: nameSchema.nullable() }),
});

const policyRecordSchema: z.ZodType<PolicyRecord> = z.strictObject({
  bundle: sha3HexSchema,
  version: z.int().positive(),
  decision: z.enum(['allow', 'deny']),
  determining: z.array(nameSchema).readonly(),
  engine: nameSchema,
  input: sha3HexSchema,
});

const bindingFact = { name: nameSchema, value: z.string().max(4096) };

export const bindingsSchema: z.ZodType<readonly Binding[]> = z
  .array(
    z.discriminatedUnion('source', [
      z.strictObject({ ...bindingFact, source: z.enum(['kernel', 'reported']) }),
      z.strictObject({ ...bindingFact, source: z.literal('tpm'), quote: artifactIdSchema }),
    ]),
  )
  .readonly();

const attributionSchema: z.ZodType<Attribution> = z.strictObject({
  log: nameSchema,
  daemon: nameSchema,
  host: nameSchema,
  request: sha3HexSchema,
  previousCheckpoint: z
    .strictObject({ size: z.int().nonnegative(), root: z.string().regex(/^[A-Za-z0-9+/]{43}=$/) })
    .nullable(),
});

export const grantPredicateSchema: z.ZodType<GrantPredicate> = z.strictObject({
  scope: scopeSchema,
  initiator: initiatorSchema,
  policy: policyRecordSchema,
  environment: bindingsSchema,
  validity: z.strictObject({
    notBefore: instantSchema,
    notAfter: instantSchema,
    use: z.enum(['single', 'lease']),
    nonce: nonceSchema,
  }),
  lineage: z.strictObject({
    parent: artifactIdSchema.nullable(),
    root: artifactIdSchema.nullable(),
    depth: z.int().nonnegative().max(1000),
  }),
  governance: z.strictObject({
    authority: nameSchema.nullable(),
    approvals: z.array(artifactIdSchema).readonly(),
    purpose: shortTextSchema.nullable(),
    ticket: shortTextSchema.nullable(),
  }),
  attribution: attributionSchema,
});

export const denialPredicateSchema: z.ZodType<DenialPredicate> = z.strictObject({
  method: nameSchema,
  denials: z.array(evidenceDenialSchema).min(1).readonly(),
  initiator: initiatorSchema,
  policy: policyRecordSchema.nullable(),
  environment: bindingsSchema,
  time: instantSchema,
  nonce: nonceSchema,
  attribution: attributionSchema,
});
