/** The methods of the socket: what each takes and what each answers. Daemon, SDK and command line share these types. */

import { z } from 'zod';
import { sha3_512 } from '../hash/evidence.js';
import { type RequestedAction, requestedActionSchema, type SignAction, signActionSchema } from './action.js';
import { type ArtifactId, artifactIdSchema } from './artifact-id.js';
import type { Denial, Denials } from './denial.js';
import { sha3HexSchema } from './digest-set.js';
import { type Envelope, envelopeSchema } from './dsse.js';
import {
  type BundleParams,
  type BundlePart,
  type EvidenceFound,
  type EvidenceParams,
  evidenceParamsSchemas,
  type InputParams,
  type InputPart,
  type PolicyProofPart,
} from './evidence-methods.js';
import { type ExactText, exactTextSchema } from './exact-text.js';
import { hexEncode } from './hex.js';
import { jcsText } from './jcs.js';
import {
  type LeaseCloseParams,
  type LeaseDeclineParams,
  type LeaseOpenParams,
  type LeaseRenewParams,
  leaseCloseParamsSchema,
  leaseDeclineParamsSchema,
  leaseOpenParamsSchema,
  leaseRenewParamsSchema,
} from './lease-methods.js';
import type { LineageNode } from './lineage-node.js';
import {
  type ApproveParams,
  approveParamsSchema,
  type PendingDetail,
  type PendingNotice,
  type PendingSummary,
} from './pending.js';
import type { PolicyDocument } from './policy-document.js';
import { type ActivateParams, policyParams, type StageParams } from './policy-methods.js';
import { type PossessionSignature, possessionSignatureSchema } from './possession.js';
import {
  type Bind,
  type Binding,
  bindSchema,
  type Confine,
  confineSchema,
  ed25519KeySchema,
  maxListedPrograms,
  nonceSchema,
  type ResourceLimits,
} from './predicate.js';
import { type RevocationCause, type RevocationRule, revocationCauses } from './revocation.js';
import { type SubscribeParams, type SubscribeResult, subscribeParamsSchema } from './revocation-methods.js';
import type { Instant } from './time.js';
import type { TrustDocument } from './trust.js';
import { utf8Encode } from './utf8.js';

/** A line is a JSON-RPC message without its newline; longer ones are refused as TOO_LARGE. */
export const maxLineBytes = 65_536;

/** What the caller says about itself and its reasons: recorded as claims, never proven. */
export interface Claims {
  readonly agent?: string | undefined;
  readonly user?: string | undefined;
  readonly purpose?: string | undefined;
  readonly ticket?: string | undefined;
}

/** What the program may start in turn; the daemon digests each listed file. */
export type RequestedDescend = 'none' | 'any' | { readonly listed: readonly ExactText[] };

/**
 * `use`, `runSeconds`, `confine` and `limits` are for actions that execute a program. `use: 'lease'` asks for a run that may last
 * `runSeconds`; limits that are not named are left as they are.
 */
export interface AuthorizeParams extends Claims {
  readonly action: RequestedAction;
  readonly use?: 'single' | 'lease' | undefined;
  readonly runSeconds?: number | undefined;
  readonly confine?: Confine | undefined;
  readonly limits?: { readonly [Name in keyof ResourceLimits]?: number | undefined } | undefined;
  readonly ttlSeconds?: number | undefined;
  readonly parent?: ArtifactId | undefined;
  readonly audience?: string | undefined;
  readonly bind?: Bind | undefined;
  readonly descend?: RequestedDescend | undefined;
  /** Demands a quote of the TPM that is begun after this request. */
  readonly attest?: 'fresh' | undefined;
}

export interface SignParams extends Claims {
  readonly blob: Omit<SignAction, 'type'>;
  readonly ttlSeconds?: number | undefined;
  readonly attest?: 'fresh' | undefined;
}

/**
 * `nonce`: base64 of 16 bytes of the redeemer's own; `action`: what is about to be done. `attest` demands a quote of the TPM
 * that is begun after this request; `anchor`, that the redemption is anchored in the TPM before it is answered.
 */
export interface RedeemParams {
  readonly id: ArtifactId;
  readonly nonce: string;
  readonly action: RequestedAction;
  /** For an artifact that is bound to a key: its signature over `possessionText` for this use, artifact and nonce. */
  readonly possession?: PossessionSignature | undefined;
  readonly attest?: 'fresh' | undefined;
  readonly anchor?: 'fresh' | undefined;
}

/** One artifact with all that descends from it, or everything that a rule names (revocation.ts): exactly one of the four. */
export type RevokeParams = RevokedThing & { readonly cause?: RevocationCause | undefined };

type RevokedThing =
  | { readonly id: ArtifactId }
  | { readonly initiator: { readonly uid: number; readonly executable?: string | undefined } }
  | { readonly bundle: string }
  | { readonly key: string };

/** The rule that the parameters of a revocation name, or null where they name an artifact. */
export function ruleOf(params: RevokeParams): RevocationRule | null {
  if ('id' in params) return null;
  if ('initiator' in params) {
    const { uid, executable } = params.initiator;
    return { kind: 'initiator', uid, executable: executable ?? null };
  }
  return 'bundle' in params ? { kind: 'bundle', digest: params.bundle } : { kind: 'key', key: params.key };
}

export interface IdParams {
  readonly id: ArtifactId;
}

/** `action`, where given, is compared with the artifact's scope. */
export interface VerifyParams {
  readonly artifact: Envelope;
  readonly action?: RequestedAction | undefined;
}

/** `id` as APPROVAL_REQUIRED names it. */
export interface PendingParams {
  readonly id: string;
}

export interface IndexParams {
  readonly index: number;
}

/** Something sealed: its envelope, id, and log index. */
export interface SealedArtifact {
  readonly id: ArtifactId;
  readonly index: number;
  readonly artifact: Envelope;
}

export interface Allowed extends SealedArtifact {
  readonly decision: 'allow';
}

/**
 * `evidence` is the signed denial; null where nothing could or should be sealed. `pending`: with APPROVAL_REQUIRED, the request
 * that waits for approval.
 */
export interface Denied {
  readonly decision: 'deny';
  readonly denials: Denials;
  readonly evidence: SealedArtifact | null;
  readonly pending?: PendingNotice | undefined;
}

export type GrantResult = Allowed | Denied;
export type EvidenceResult = EvidenceFound | Denied;
export type InputResult = InputPart | Denied;
export type BundleResult = BundlePart | Denied;
export type PolicyProofResult = PolicyProofPart | Denied;

/** The artifact with a plain Ed25519 signature (base64 raw public key beside it) after its proof. */
export type ExportResult =
  | {
      readonly decision: 'allow';
      readonly id: ArtifactId;
      readonly artifact: Envelope;
      readonly publicKey: string;
    }
  | Denied;

export type VerifyResult =
  | {
      readonly decision: 'allow';
      readonly id: ArtifactId;
      readonly unproven: readonly { readonly what: string; readonly message: string }[];
    }
  | Denied;

/** `authority` is the key (base64) that signed the bundle, and `proof` the proof of it; null where nobody did. */
export interface PolicyResult {
  readonly bundle: string;
  readonly name: string;
  readonly version: number;
  readonly authority: string | null;
  readonly proof: PolicyDocument | null;
  readonly engine: string;
  readonly files: readonly { readonly name: string; readonly text: string }[];
}

/** How much of a staged document is there. */
export type StageResult = { readonly decision: 'allow'; readonly receivedBytes: number } | Denied;

export interface CheckpointResult {
  /** Null in a log that holds no seal yet. */
  readonly checkpoint: string | null;
  readonly size: number;
}

export type ProofResult =
  | { readonly decision: 'allow'; readonly index: number; readonly proof: string }
  | Denied;

/** `payload` (base64) is given only to the initiator, to the daemon's own user and to root; else null. */
export type EntryResult =
  | {
      readonly decision: 'allow';
      readonly index: number;
      readonly id: ArtifactId;
      readonly kind: string;
      readonly leaf: string;
      readonly payloadType: string;
      readonly payload: string | null;
    }
  | Denied;

export type PendingResult = { readonly decision: 'allow'; readonly pending: PendingDetail } | Denied;

/** The oldest first, as many as fit an answer: the caller's own, and those that wait for people of its uid. */
export interface PendingListResult {
  readonly pending: readonly PendingSummary[];
}

/** The tree that the artifact belongs to, as far as it fits an answer: root first, each parent before its children. */
export type LineageResult = { readonly decision: 'allow'; readonly nodes: readonly LineageNode[] } | Denied;

/**
 * `quote`: the newest one, null before there is one. `anchor`: what the counter shows; `unprotectedEntries` are those behind
 * the newest anchor, which could be taken back unnoticed; `writesLeft` is what the wear budget allows now.
 */
export type TpmStatus =
  | { readonly state: 'unavailable'; readonly reason: string }
  | {
      readonly state: 'ready' | 'restarting' | 'closed';
      readonly development: boolean;
      readonly key: string;
      readonly pcrs: readonly number[];
      readonly quote: {
        readonly id: ArtifactId;
        readonly index: number;
        readonly ageSeconds: number;
      } | null;
      readonly anchor: {
        readonly counter: string;
        readonly value: number;
        readonly unprotectedEntries: number;
        readonly ageSeconds: number | null;
        readonly writesLeft: number;
      };
    };

/** `live`: governed executions. Without a watchdog that is ready no lease is given; `base`: the group that it makes theirs in. */
export interface RunsStatus {
  readonly live: number;
  readonly watchdog:
    | {
        readonly state: 'ready';
        readonly pid: number;
        readonly uid: number;
        readonly base: string | null;
        readonly memory: 'locked' | 'unlocked';
      }
    | { readonly state: 'restarting' | 'closed'; readonly reason: string };
}

export interface StatusResult {
  readonly daemon: string;
  readonly version: string;
  readonly state: 'ready' | 'degraded';
  /** Why it is degraded; empty when ready. */
  readonly troubles: readonly Denial[];
  readonly startedAt: string;
  readonly log: {
    readonly origin: string;
    readonly vkey: string;
    readonly size: number;
    readonly sealedSize: number;
    readonly publishedSize: number;
    readonly waitingEntries: number;
  };
  readonly artifactKey: string;
  readonly signer: string;
  readonly tpm: TpmStatus;
  readonly runs: RunsStatus;
  /** Whether it is noticed at once when this virtual machine is taken back to a snapshot while the daemon runs. */
  readonly vmGeneration: 'watched' | 'unavailable';
  readonly policy: { readonly bundle: string; readonly version: number };
  readonly counters: Readonly<Record<string, number>>;
}

/**
 * Every key that the daemon's log was ever sealed with, its artifact keys, and its TPM's attestation key. The daemon's word:
 * `policyAuthorities` and reference values, which are not the daemon's to name, are empty.
 */
export interface TrustResult {
  readonly trust: TrustDocument;
}

/** A fact about machine or caller. `bound`: it is sealed into artifacts, shown to policies and compared at redemption. */
export type MeasuredBinding = Binding & { readonly bound: boolean };

/** What the machine's owner accepted, from `environment.json` of the state directory. */
export interface AcceptedEnvironment {
  readonly acceptedAt: Instant;
  readonly bindings: readonly Pick<Binding, 'name' | 'value' | 'source'>[];
}

/** What the daemon measures of its machine and of the caller now; lists are sorted by name. */
export interface EnvironmentResult {
  readonly bindings: readonly MeasuredBinding[];
  readonly unavailable: readonly { readonly name: string; readonly reason: string }[];
  /** Null where nothing was accepted. */
  readonly accepted: AcceptedEnvironment | null;
}

/** Every method with its parameters and its result. */
export interface Methods {
  readonly authorize: { readonly params: AuthorizeParams; readonly result: GrantResult };
  readonly sign: { readonly params: SignParams; readonly result: GrantResult };
  readonly redeem: { readonly params: RedeemParams; readonly result: GrantResult };
  readonly 'lease.open': { readonly params: LeaseOpenParams; readonly result: GrantResult };
  readonly 'lease.decline': { readonly params: LeaseDeclineParams; readonly result: Denied };
  readonly 'lease.renew': { readonly params: LeaseRenewParams; readonly result: GrantResult };
  readonly 'lease.close': { readonly params: LeaseCloseParams; readonly result: GrantResult };
  readonly revoke: { readonly params: RevokeParams; readonly result: GrantResult };
  readonly approve: { readonly params: ApproveParams; readonly result: GrantResult };
  readonly 'pending.get': { readonly params: PendingParams; readonly result: PendingResult };
  readonly 'pending.list': { readonly params: Record<string, never>; readonly result: PendingListResult };
  readonly 'revocations.subscribe': {
    readonly params: SubscribeParams;
    readonly result: SubscribeResult;
  };
  readonly 'status.statement': { readonly params: Record<string, never>; readonly result: GrantResult };
  readonly export: { readonly params: IdParams; readonly result: ExportResult };
  readonly verify: { readonly params: VerifyParams; readonly result: VerifyResult };
  readonly 'policy.get': { readonly params: Record<string, never>; readonly result: PolicyResult };
  readonly 'policy.stage': { readonly params: StageParams; readonly result: StageResult };
  readonly 'policy.activate': { readonly params: ActivateParams; readonly result: GrantResult };
  readonly 'log.checkpoint': { readonly params: Record<string, never>; readonly result: CheckpointResult };
  readonly 'log.proof': { readonly params: IndexParams; readonly result: ProofResult };
  readonly 'log.entry': { readonly params: IndexParams; readonly result: EntryResult };
  readonly environment: { readonly params: Record<string, never>; readonly result: EnvironmentResult };
  readonly evidence: { readonly params: EvidenceParams; readonly result: EvidenceResult };
  readonly 'log.input': { readonly params: InputParams; readonly result: InputResult };
  readonly 'policy.bundle': { readonly params: BundleParams; readonly result: BundleResult };
  readonly 'policy.proof': { readonly params: BundleParams; readonly result: PolicyProofResult };
  readonly lineage: { readonly params: IdParams; readonly result: LineageResult };
  readonly status: { readonly params: Record<string, never>; readonly result: StatusResult };
  readonly trust: { readonly params: Record<string, never>; readonly result: TrustResult };
}

export type Method = keyof Methods;

const claimShape = {
  agent: z.string().min(1).max(256).optional(),
  user: z.string().min(1).max(256).optional(),
  purpose: z.string().max(1024).optional(),
  ticket: z.string().max(1024).optional(),
};
const ttlSeconds = z.int().positive().max(31_536_000).optional();
const limit = z.int().nonnegative().optional();
const fresh = z.literal('fresh').optional();
const cause = z.enum(revocationCauses).exclude(['unsealed']).optional();
const noParams = z.strictObject({});
const indexParams = z.strictObject({ index: z.int().nonnegative() });
const idParams = z.strictObject({ id: artifactIdSchema });

/** Closed schemas of the parameters: unknown fields are refused. */
export const paramsSchemas: { readonly [M in Method]: z.ZodType<Methods[M]['params']> } = {
  authorize: z.strictObject({
    ...claimShape,
    action: requestedActionSchema,
    ttlSeconds,
    parent: artifactIdSchema.optional(),
    audience: z.string().min(1).max(256).optional(),
    bind: bindSchema.optional(),
    descend: z
      .union([
        z.enum(['none', 'any']),
        z.strictObject({ listed: z.array(exactTextSchema).min(1).max(maxListedPrograms).readonly() }),
      ])
      .optional(),
    use: z.enum(['single', 'lease']).optional(),
    runSeconds: ttlSeconds,
    confine: confineSchema.optional(),
    limits: z
      .strictObject({
        cpuSeconds: limit,
        memoryBytes: limit,
        processes: limit,
        openFiles: limit,
        fileBytes: limit,
      })
      .optional(),
    attest: fresh,
  }),
  sign: z.strictObject({
    ...claimShape,
    blob: signActionSchema.omit({ type: true }),
    ttlSeconds,
    attest: fresh,
  }),
  redeem: z.strictObject({
    id: artifactIdSchema,
    nonce: nonceSchema,
    action: requestedActionSchema,
    possession: possessionSignatureSchema.optional(),
    attest: fresh,
    anchor: fresh,
  }),
  'lease.open': leaseOpenParamsSchema,
  'lease.decline': leaseDeclineParamsSchema,
  'lease.renew': leaseRenewParamsSchema,
  'lease.close': leaseCloseParamsSchema,
  revoke: z.union([
    z.strictObject({ id: artifactIdSchema, cause }),
    z.strictObject({
      initiator: z.strictObject({
        uid: z.int().min(0).max(0xffff_ffff),
        executable: sha3HexSchema.optional(),
      }),
      cause,
    }),
    z.strictObject({ bundle: sha3HexSchema, cause }),
    z.strictObject({ key: ed25519KeySchema, cause }),
  ]),
  approve: approveParamsSchema,
  'pending.get': z.strictObject({ id: nonceSchema }),
  'pending.list': noParams,
  'revocations.subscribe': subscribeParamsSchema,
  'status.statement': noParams,
  export: idParams,
  verify: z.strictObject({ artifact: envelopeSchema, action: requestedActionSchema.optional() }),
  'policy.get': noParams,
  ...policyParams,
  'log.checkpoint': noParams,
  'log.proof': indexParams,
  'log.entry': indexParams,
  environment: noParams,
  lineage: idParams,
  ...evidenceParamsSchemas,
  status: noParams,
  trust: noParams,
};

/** JSON-RPC error codes (JSON-RPC 2.0 section 5.1) of the answers that are no verdicts. */
export const rpcErrorCodes = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  tooLarge: -32001,
  overloaded: -32002,
} as const;

/** A request as canonical JSON of method and parameters: equal texts ask the same. */
export function requestText(method: Method, params: unknown): string {
  return jcsText({ method, params });
}

/** The digest of a request (SHA3-512 hex) that its answer names: over its text in UTF-8. */
export function requestDigest(text: string): string {
  return hexEncode(sha3_512(utf8Encode(text)));
}
