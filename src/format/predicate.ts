/** The closed schemas of what an artifact says: scope, initiator, policy, environment, validity, lineage, governance, attribution. */

import { z } from 'zod';
import { type Action, actionSchema } from './action.js';
import { type ArtifactId, artifactIdSchema } from './artifact-id.js';
import { type Denial, type EvidenceCode, evidenceDenialSchema } from './denial.js';
import { type DigestSet, digestSetSchema, sha3HexSchema } from './digest-set.js';
import { type ExactText, exactTextSchema } from './exact-text.js';
import { type Instant, instantSchema } from './time.js';

/**
 * Who may redeem: any process of the uid, only that executable of the uid, only the very process that asked, or whoever
 * proves to hold an Ed25519 key (base64 of 32 bytes).
 */
export type Bind = 'uid' | 'executable' | 'process' | { readonly key: string };

/** What the executed program may start in turn, and what may be authorized under it. */
export type Descend = 'none' | 'any' | { readonly listed: readonly ListedProgram[] };

export interface ListedProgram {
  readonly path: ExactText;
  readonly digests: DigestSet;
}

/** `tree`: no process that comes of the run may outlive it. `best-effort`: as far as the machine can hold them. */
export type Confine = 'tree' | 'best-effort';

/** Bounds of the run's processes (setrlimit(2)); null leaves one as it is. */
export interface ResourceLimits {
  readonly cpuSeconds: number | null;
  readonly memoryBytes: number | null;
  readonly processes: number | null;
  readonly openFiles: number | null;
  readonly fileBytes: number | null;
}

/** What no digest of the artifact covers, whoever verifies it. */
export const undigested = ['loaded-libraries', 'imported-modules'] as const;

/** How a program is run. `groups` are supplementary, sorted. */
export interface Execution {
  readonly groups: readonly number[];
  readonly confine: Confine;
  readonly limits: ResourceLimits;
  readonly undigested: typeof undigested;
}

export interface Scope {
  readonly action: Action;
  /** The user and group that the action runs as. */
  readonly uid: number;
  readonly gid: number;
  /** The one relying party that may accept the artifact, or null for any. */
  readonly audience: string | null;
  readonly bind: Bind;
  readonly descend: Descend;
  /** Null for whatever executes nothing. */
  readonly execution: Execution | null;
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

interface ValidityHead {
  readonly notBefore: Instant;
  /** When it may be redeemed at the latest. */
  readonly notAfter: Instant;
  /** Base64 of 16 random bytes. */
  readonly nonce: string;
}

/**
 * `single`: redeemed once, for one act. `lease`: redeemed once, for a run that ends at `until` at the latest, and whenever its
 * lease was not renewed for `renewSeconds`.
 */
export type Validity =
  | (ValidityHead & { readonly use: 'single' })
  | (ValidityHead & { readonly use: 'lease'; readonly renewSeconds: number; readonly until: Instant });

/** `observed`: the kernel showed the initiator inside the parent's run. `named`: the initiator said so. */
export interface Lineage {
  readonly parent: ArtifactId | null;
  /** The first ancestor; null for an artifact that has none. */
  readonly root: ArtifactId | null;
  readonly depth: number;
  readonly basis: 'none' | 'named' | 'observed';
}

/**
 * One approver's signature. `key` is base64 of the Ed25519 key; `form` says whether the signature (base64 of 64 bytes) is over
 * the approved text itself or over its SSHSIG wrapping; `pending` is the nonce of the request that waited for it.
 */
export interface Approval {
  readonly approver: string;
  readonly key: string;
  readonly form: 'ed25519' | 'sshsig';
  readonly pending: string;
  readonly expires: Instant;
  readonly signature: string;
}

export interface Governance {
  /** The policy authority (base64 of its key) whose signature put the bundle in force; null for an unsigned bundle. */
  readonly authority: string | null;
  readonly approvals: readonly Approval[];
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

/** Base64 of the 32 bytes of an Ed25519 key. */
export const ed25519KeySchema = z
  .string()
  .regex(/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/, 'must be base64 of 32 bytes');

export const bindSchema: z.ZodType<Bind> = z.union([
  z.enum(['uid', 'executable', 'process']),
  z.strictObject({ key: ed25519KeySchema }),
]);

/** Bounded so that a statement with its list still fits. */
export const maxListedPrograms = 32;

const descendSchema: z.ZodType<Descend> = z.union([
  z.enum(['none', 'any']),
  z.strictObject({
    listed: z
      .array(z.strictObject({ path: exactTextSchema, digests: digestSetSchema }))
      .min(1)
      .max(maxListedPrograms)
      .readonly(),
  }),
]);

export const confineSchema: z.ZodType<Confine> = z.enum(['tree', 'best-effort']);

const limitSchema = z.int().nonnegative().nullable();

const executionSchema: z.ZodType<Execution> = z.strictObject({
  groups: z.array(id32Schema).max(65_536).readonly(),
  confine: confineSchema,
  limits: z.strictObject({
    cpuSeconds: limitSchema,
    memoryBytes: limitSchema,
    processes: limitSchema,
    openFiles: limitSchema,
    fileBytes: limitSchema,
  }),
  undigested: z.tuple([z.literal(undigested[0]), z.literal(undigested[1])]).readonly(),
});

const scopeSchema: z.ZodType<Scope> = z
  .strictObject({
    action: actionSchema,
    uid: id32Schema,
    gid: id32Schema,
    audience: nameSchema.nullable(),
    bind: bindSchema,
    descend: descendSchema,
    execution: executionSchema.nullable(),
  })
  .refine(
    ({ action, execution }) => (action.type === 'execute') === (execution !== null),
    'only what executes a program says how',
  );

const validityHead = { notBefore: instantSchema, notAfter: instantSchema, nonce: nonceSchema };

const validitySchema: z.ZodType<Validity> = z.discriminatedUnion('use', [
  z.strictObject({ ...validityHead, use: z.literal('single') }),
  z.strictObject({
    ...validityHead,
    use: z.literal('lease'),
    renewSeconds: z.int().positive(),
    until: instantSchema,
  }),
]);

export const approvalSchema: z.ZodType<Approval> = z.strictObject({
  approver: nameSchema,
  key: ed25519KeySchema,
  form: z.enum(['ed25519', 'sshsig']),
  pending: nonceSchema,
  expires: instantSchema,
  signature: z.string().regex(/^[A-Za-z0-9+/]{85}[AQgw]==$/, 'must be base64 of 64 bytes'),
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

export const policyRecordSchema: z.ZodType<PolicyRecord> = z.strictObject({
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

const lineageSchema: z.ZodType<Lineage> = z.strictObject({
  parent: artifactIdSchema.nullable(),
  root: artifactIdSchema.nullable(),
  depth: z.int().nonnegative().max(1000),
  basis: z.enum(['none', 'named', 'observed']),
});

/** What is known of a grant before it is issued. */
const requestedShape = {
  scope: scopeSchema,
  initiator: initiatorSchema,
  policy: policyRecordSchema,
  environment: bindingsSchema,
  lineage: lineageSchema,
};

export const requestedGrantSchema: z.ZodType<
  Pick<GrantPredicate, 'scope' | 'initiator' | 'policy' | 'environment' | 'lineage'>
> = z.strictObject(requestedShape);

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
  ...requestedShape,
  validity: validitySchema,
  governance: z.strictObject({
    authority: nameSchema.nullable(),
    approvals: z.array(approvalSchema).max(16).readonly(),
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
