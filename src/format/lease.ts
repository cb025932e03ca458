/**
 * The records of a governed execution. A redeemed artifact becomes a run when a lease is opened; the lease is renewed as long
 * as everything that led to it still holds; one end record says how and why the run ended. authorization -> redemption ->
 * lease -> end is one thread: each names the one before by id and log index.
 */

import { z } from 'zod';
import { type ArtifactId, artifactIdSchema } from './artifact-id.js';
import type { PolicyRecord } from './predicate.js';
import { logIndexSchema, policyRecordsSchema, type RecordHead, recordHeadShape } from './record-head.js';
import { type Instant, instantSchema } from './time.js';

/**
 * What keeps the run's processes together, as the daemon observed it through /proc while the program was held back.
 * `cgroup` is the path in the unified hierarchy (cgroups(7)), which the confined user cannot leave; `namespace` the inode
 * number of a PID namespace (pid_namespaces(7)), which ends with its first process. In a `best-effort` run neither is certain:
 * what leaves the group may outlive the run.
 */
export type Confinement =
  | { readonly kind: 'cgroup'; readonly cgroup: string }
  | { readonly kind: 'pid-namespace'; readonly namespace: string; readonly cgroup: string | null }
  | { readonly kind: 'best-effort'; readonly cgroup: string | null };

/** Whether the kernel enforces what the run may start in turn, by the launcher's word. */
export type DescendEnforcement = 'enforced' | 'not-enforced';

/** One process: `startTime` in clock ticks since boot (proc_pid_stat(5), field 22), `pid` as the daemon sees it. */
export interface RunProcess {
  readonly pid: number;
  readonly startTime: number;
}

/** The moment in CLOCK_BOOTTIME, of that boot of the machine, at which whatever is left of the run is killed. */
export interface BootDeadline {
  readonly boot: string;
  readonly bootTimeMs: number;
}

/** A run may go on until then. `lease` and `leaseIndex` are those of the record that opened it; null in that record itself. */
export interface LeaseRecord extends RecordHead {
  readonly type: 'urn:writ:lease:v1';
  readonly event: 'open' | 'renew';
  readonly artifact: ArtifactId;
  readonly artifactIndex: number;
  readonly redemption: ArtifactId;
  readonly redemptionIndex: number;
  readonly lease: ArtifactId | null;
  readonly leaseIndex: number | null;
  readonly until: Instant;
  readonly deadline: BootDeadline;
  readonly confinement: Confinement;
  /** The run's first process. */
  readonly process: RunProcess;
  readonly descend: DescendEnforcement;
  /** What the policy said, in the order of a redemption. */
  readonly policy?: readonly PolicyRecord[];
}

/** How a process ended: its exit status (0 to 255), or the signal that killed it. */
export type ExitStatus = { readonly exit: number } | { readonly signal: number };

/**
 * Why a run ended. `exited`: its program did. `expired`: its lease ran out. `revoked`, `policy`, `identity`, `environment`,
 * `lineage`, `clock`, `state`: what it rested on is gone. `runner-gone`: whoever ran it died or hung up. `daemon-stopped`: the
 * daemon was stopped, which ends all runs. `daemon-gone`: the daemon died over it, and the next start found it open.
 * `watchdog-gone`: nothing was left to enforce its end. `unsealed`: its lease could not be logged, so it never began. `not-started`: its
 * launcher says that the program could not be executed; a denial in the log says why.
 */
export const endCauses = [
  'exited',
  'expired',
  'revoked',
  'policy',
  'identity',
  'environment',
  'lineage',
  'clock',
  'state',
  'runner-gone',
  'daemon-stopped',
  'daemon-gone',
  'watchdog-gone',
  'unsealed',
  'not-started',
] as const;
export type EndCause = (typeof endCauses)[number];

/** A run is over. `status` is null where nobody saw how its program ended, or it was still running and was killed. */
export interface EndRecord extends RecordHead {
  readonly type: 'urn:writ:end:v1';
  readonly lease: ArtifactId;
  readonly leaseIndex: number;
  readonly artifact: ArtifactId;
  readonly artifactIndex: number;
  readonly cause: EndCause;
  readonly status: ExitStatus | null;
  /** What the policy said, where the daemon looked at the run by itself and ended it for that. */
  readonly policy?: readonly PolicyRecord[];
}

const cgroupSchema = z.string().startsWith('/').max(4096);

const confinementSchema: z.ZodType<Confinement> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('cgroup'), cgroup: cgroupSchema }),
  z.strictObject({
    kind: z.literal('pid-namespace'),
    namespace: z.string().regex(/^[1-9]\d{0,19}$/),
    cgroup: cgroupSchema.nullable(),
  }),
  z.strictObject({ kind: z.literal('best-effort'), cgroup: cgroupSchema.nullable() }),
]);

export const exitStatusSchema: z.ZodType<ExitStatus> = z.union([
  z.strictObject({ exit: z.int().min(0).max(255) }),
  z.strictObject({ signal: z.int().min(1).max(64) }),
]);

export const descendEnforcementSchema = z.enum(['enforced', 'not-enforced']);

/** Process ids as the kernel has them: at most 2^22 (proc_sys_kernel(5), pid_max). */
export const pidSchema = z.int().min(1).max(4_194_304);

export const leaseRecordSchema = z.strictObject({
  ...recordHeadShape,
  type: z.literal('urn:writ:lease:v1'),
  event: z.enum(['open', 'renew']),
  artifact: artifactIdSchema,
  artifactIndex: logIndexSchema,
  redemption: artifactIdSchema,
  redemptionIndex: logIndexSchema,
  lease: artifactIdSchema.nullable(),
  leaseIndex: logIndexSchema.nullable(),
  until: instantSchema,
  deadline: z.strictObject({ boot: z.string().min(1).max(256), bootTimeMs: z.int().nonnegative() }),
  confinement: confinementSchema,
  process: z.strictObject({ pid: pidSchema, startTime: z.int().nonnegative() }),
  descend: descendEnforcementSchema,
  policy: policyRecordsSchema,
}) satisfies z.ZodType<LeaseRecord>;

export const endRecordSchema = z.strictObject({
  ...recordHeadShape,
  type: z.literal('urn:writ:end:v1'),
  lease: artifactIdSchema,
  leaseIndex: logIndexSchema,
  artifact: artifactIdSchema,
  artifactIndex: logIndexSchema,
  cause: z.enum(endCauses),
  status: exitStatusSchema.nullable(),
  policy: policyRecordsSchema,
}) satisfies z.ZodType<EndRecord>;
