/** The shape of each method's result, checked on arrival. Fields that this version does not know are dropped. */

import { z } from 'zod';
import { artifactIdSchema } from '../format/artifact-id.js';
import { type Denial, evidenceCodes, plainCodes } from '../format/denial.js';
import { envelopeSchema } from '../format/dsse.js';
import { lineageNodeSchema } from '../format/lineage-node.js';
import { denialsSchema } from '../format/notification.js';
import { pendingDetailSchema, pendingNoticeSchema, pendingSummarySchema } from '../format/pending.js';
import { policyDocumentSchema } from '../format/policy-document.js';
import type { Binding } from '../format/predicate.js';
import type {
  Allowed,
  BundleResult,
  CheckpointResult,
  Denied,
  EntryResult,
  EnvironmentResult,
  EvidenceResult,
  ExportResult,
  GrantResult,
  InputResult,
  LineageResult,
  Method,
  Methods,
  PendingListResult,
  PendingResult,
  PolicyResult,
  ProofResult,
  RunsStatus,
  SealedArtifact,
  StageResult,
  StatusResult,
  TpmStatus,
  TrustResult,
  VerifyResult,
} from '../format/protocol.js';
import { subscribeResultSchema } from '../format/revocation-methods.js';
import { instantSchema } from '../format/time.js';
import { trustSchema } from '../format/trust.js';

/** As in a statement, but open: fields that this version does not know are dropped. */
const bindingSchema: z.ZodType<Binding> = z.discriminatedUnion('source', [
  z.object({ name: z.string(), value: z.string(), source: z.enum(['kernel', 'reported']) }),
  z.object({ name: z.string(), value: z.string(), source: z.literal('tpm'), quote: artifactIdSchema }),
]);

const count = z.int().nonnegative();
const allow = z.literal('allow');

const denialSchema: z.ZodType<Denial> = z.object({
  code: z.enum([...evidenceCodes, ...plainCodes]),
  message: z.string(),
  remedy: z.string(),
});

const sealedShape = { id: artifactIdSchema, index: count, artifact: envelopeSchema };
const sealedSchema: z.ZodType<SealedArtifact> = z.object(sealedShape);
const allowedSchema: z.ZodType<Allowed> = z.object({ decision: allow, ...sealedShape });

const deniedSchema: z.ZodType<Denied> = z.object({
  decision: z.literal('deny'),
  denials: denialsSchema,
  evidence: sealedSchema.nullable(),
  pending: pendingNoticeSchema.optional(),
});

const grantSchema: z.ZodType<GrantResult> = z.union([allowedSchema, deniedSchema]);

const pendingSchema: z.ZodType<PendingResult> = z.union([
  z.object({ decision: allow, pending: pendingDetailSchema }),
  deniedSchema,
]);

const pendingListSchema: z.ZodType<PendingListResult> = z.object({
  pending: z.array(pendingSummarySchema).readonly(),
});

const exportSchema: z.ZodType<ExportResult> = z.union([
  z.object({ decision: allow, id: artifactIdSchema, artifact: envelopeSchema, publicKey: z.string() }),
  deniedSchema,
]);

const verifySchema: z.ZodType<VerifyResult> = z.union([
  z.object({
    decision: allow,
    id: artifactIdSchema,
    unproven: z.array(z.object({ what: z.string(), message: z.string() })).readonly(),
  }),
  deniedSchema,
]);

const policySchema: z.ZodType<PolicyResult> = z.object({
  bundle: z.string(),
  name: z.string(),
  version: z.int().positive(),
  authority: z.string().nullable(),
  proof: policyDocumentSchema.nullable(),
  engine: z.string(),
  files: z.array(z.object({ name: z.string(), text: z.string() })).readonly(),
});

const stageSchema: z.ZodType<StageResult> = z.union([
  z.object({ decision: allow, receivedBytes: count }),
  deniedSchema,
]);

const checkpointSchema: z.ZodType<CheckpointResult> = z.object({
  checkpoint: z.string().nullable(),
  size: count,
});

const proofSchema: z.ZodType<ProofResult> = z.union([
  z.object({ decision: allow, index: count, proof: z.string() }),
  deniedSchema,
]);

const entrySchema: z.ZodType<EntryResult> = z.union([
  z.object({
    decision: allow,
    index: count,
    id: artifactIdSchema,
    kind: z.string(),
    leaf: z.string(),
    payloadType: z.string(),
    payload: z.string().nullable(),
  }),
  deniedSchema,
]);

const lineageSchema: z.ZodType<LineageResult> = z.union([
  z.object({ decision: allow, nodes: z.array(lineageNodeSchema).readonly() }),
  deniedSchema,
]);

const evidenceSchema: z.ZodType<EvidenceResult> = z.union([
  z.object({ decision: allow, id: artifactIdSchema, size: count, indices: z.array(count).readonly() }),
  deniedSchema,
]);

const inputSchema: z.ZodType<InputResult> = z.union([
  z.object({ decision: allow, index: count, totalBytes: count, part: z.string() }),
  deniedSchema,
]);

const bundleSchema: z.ZodType<BundleResult> = z.union([
  z.object({ decision: allow, digest: z.string(), totalBytes: count, part: z.string() }),
  deniedSchema,
]);

const environmentSchema: z.ZodType<EnvironmentResult> = z.object({
  bindings: z.array(z.intersection(bindingSchema, z.object({ bound: z.boolean() }))).readonly(),
  unavailable: z.array(z.object({ name: z.string(), reason: z.string() })).readonly(),
  accepted: z
    .object({
      acceptedAt: instantSchema,
      bindings: z
        .array(
          z.object({ name: z.string(), value: z.string(), source: z.enum(['tpm', 'kernel', 'reported']) }),
        )
        .readonly(),
    })
    .nullable(),
});

const tpmSchema: z.ZodType<TpmStatus> = z.union([
  z.object({ state: z.literal('unavailable'), reason: z.string() }),
  z.object({
    state: z.enum(['ready', 'restarting', 'closed']),
    development: z.boolean(),
    key: z.string(),
    pcrs: z.array(count).readonly(),
    quote: z.object({ id: artifactIdSchema, index: count, ageSeconds: count }).nullable(),
    anchor: z.object({
      counter: z.string(),
      value: count,
      unprotectedEntries: count,
      ageSeconds: count.nullable(),
      writesLeft: count,
    }),
  }),
]);

const runsSchema: z.ZodType<RunsStatus> = z.object({
  live: count,
  watchdog: z.discriminatedUnion('state', [
    z.object({
      state: z.literal('ready'),
      pid: count,
      uid: count,
      base: z.string().nullable(),
      memory: z.enum(['locked', 'unlocked']),
    }),
    z.object({ state: z.enum(['restarting', 'closed']), reason: z.string() }),
  ]),
});

const statusSchema: z.ZodType<StatusResult> = z.object({
  daemon: z.string(),
  version: z.string(),
  state: z.enum(['ready', 'degraded']),
  troubles: z.array(denialSchema).readonly(),
  startedAt: z.string(),
  log: z.object({
    origin: z.string(),
    vkey: z.string(),
    size: count,
    sealedSize: count,
    publishedSize: count,
    waitingEntries: count,
  }),
  artifactKey: z.string(),
  signer: z.string(),
  tpm: tpmSchema,
  runs: runsSchema,
  vmGeneration: z.enum(['watched', 'unavailable']),
  policy: z.object({ bundle: z.string(), version: z.int() }),
  counters: z.record(z.string(), z.number()),
});

/** Closed: a trust bundle of which a part is not understood is none. */
const trustResultSchema: z.ZodType<TrustResult> = z.object({ trust: trustSchema });

export const resultSchemas: { readonly [M in Method]: z.ZodType<Methods[M]['result']> } = {
  authorize: grantSchema,
  sign: grantSchema,
  redeem: grantSchema,
  'lease.open': grantSchema,
  'lease.decline': deniedSchema,
  'lease.renew': grantSchema,
  'lease.close': grantSchema,
  revoke: grantSchema,
  approve: grantSchema,
  'pending.get': pendingSchema,
  'pending.list': pendingListSchema,
  'revocations.subscribe': subscribeResultSchema,
  'status.statement': grantSchema,
  export: exportSchema,
  verify: verifySchema,
  'policy.get': policySchema,
  'policy.stage': stageSchema,
  'policy.activate': grantSchema,
  'log.checkpoint': checkpointSchema,
  'log.proof': proofSchema,
  'log.entry': entrySchema,
  environment: environmentSchema,
  'log.input': inputSchema,
  'policy.bundle': bundleSchema,
  'policy.proof': bundleSchema,
  evidence: evidenceSchema,
  lineage: lineageSchema,
  status: statusSchema,
  trust: trustResultSchema,
};
