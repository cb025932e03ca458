/**
 * A policy bundle: policies, schema, roles and settings that are in force together and are named by one digest.
 * A bundle is either wholly sound or not loaded: errors and warnings of Cedar's strict validator both refuse it.
 */

import { join } from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { z } from 'zod';
import type { ApprovalDemand, Approvers } from '../format/approvers.js';
import { type BundleFiles, bundleDigest } from '../format/bundle-digest.js';
import { bundleNameSchema } from '../format/policy-statement.js';
import { checkBundle } from './bundle-check.js';
import { PolicyBundleError } from './bundle-error.js';
import { readBundleFiles, requireBundleNames, settingsFile } from './bundle-files.js';
import type { StaticEntity } from './cedar.js';
import type { ReadableTags } from './readable-tags.js';
import type { OptionalAction } from './sample-inputs.js';

export interface BundleSettings {
  readonly defaultTtlSeconds: number;
  readonly maxTtlSeconds: number;
  /** The life of a blob signature, when the request does not say, and at most. */
  readonly signatureTtlSeconds: number;
  readonly maxLineageDepth: number;
  /** How long a request waits for the approvals that it needs. */
  readonly approvalSeconds: number;
  /** Within how many seconds the lease of a run must be renewed. */
  readonly leaseSeconds: number;
  /** The longest run, and how long one may last when the request does not say. */
  readonly maxRunSeconds: number;
  readonly older: OlderArtifacts;
}

/**
 * What becomes of artifacts that were issued under another bundle, when they are redeemed or their lease is renewed: they
 * count as they are, are decided on again, or are denied.
 */
export const olderArtifacts = ['valid', 'redecide', 'deny'] as const;
export type OlderArtifacts = (typeof olderArtifacts)[number];

export interface PolicyBundle {
  readonly name: string;
  /** The owner's own count of changes; the digest is what binds. */
  readonly version: number;
  /** SHA3-512, lower-case hex; see `bundleDigest`. */
  readonly digest: string;
  readonly settings: BundleSettings;
  /** Source text of each policy, by its id. */
  readonly policies: Readonly<Record<string, string>>;
  readonly schema: string;
  /** Roles, and the groups that belong to them. */
  readonly entities: readonly StaticEntity[];
  /** Whether policies may ask for the time, so that every input must carry `context.now`. */
  readonly needsTime: boolean;
  /**
   * The actions that its policies can permit though a schema may leave them out. Without `overlook` no change of the
   * environment is overlooked; without `activate` nobody puts another bundle in force while the daemon runs.
   */
  readonly optionalActions: ReadonlySet<OptionalAction>;
  /** The tags of entities that policies can read. */
  readonly readableTags: ReadableTags;
  /** Who may approve. */
  readonly approvers: Approvers;
  /** The approvals that a policy demands, by its id. */
  readonly approvalDemands: ReadonlyMap<string, ApprovalDemand>;
  /** The exact texts that the digest covers. */
  readonly files: BundleFiles;
}

const maxTtlSeconds = 366 * 86_400;
const defaultSignatureTtlSeconds = 365 * 86_400;
const defaultApprovalSeconds = 900;
/** Longer than a day, and nobody remembers what it was about. */
const maxApprovalSeconds = 86_400;
const defaultLeaseSeconds = 30;
const defaultMaxRunSeconds = 86_400;

const settingsSchema = z.strictObject({
  version: z.int().positive(),
  name: bundleNameSchema,
  settings: z
    .strictObject({
      defaultTtlSeconds: z.int().positive(),
      maxTtlSeconds: z.int().positive().max(maxTtlSeconds),
      signatureTtlSeconds: z.int().positive().max(maxTtlSeconds).default(defaultSignatureTtlSeconds),
      maxLineageDepth: z.int().nonnegative().max(1000),
      approvalSeconds: z.int().positive().max(maxApprovalSeconds).default(defaultApprovalSeconds),
      leaseSeconds: z.int().positive().max(3600).default(defaultLeaseSeconds),
      maxRunSeconds: z.int().positive().max(maxTtlSeconds).default(defaultMaxRunSeconds),
      older: z.enum(olderArtifacts).default('redecide'),
    })
    .refine((settings) => settings.defaultTtlSeconds <= settings.maxTtlSeconds, {
      message: 'defaultTtlSeconds must not be above maxTtlSeconds',
    }),
});

/**
 * Reads and validates the bundle in a directory. Throws PolicyBundleError, which names the file and says what to
 * do, for anything that is missing, malformed, invalid, or that Cedar warns about.
 */
export async function loadBundle(directory: string): Promise<PolicyBundle> {
  return bundleOf(directory, await readBundleFiles(directory));
}

/** As `loadBundle`, of files that were read already; `place` is what messages put before their names. */
export function bundleOf(place: string, files: BundleFiles): PolicyBundle {
  requireBundleNames(place, files);
  const { name, version, settings } = readSettings(place, files);
  return { name, version, settings, digest: bundleDigest(files), files, ...checkBundle(place, files) };
}

/** Name, version and settings. Throws PolicyBundleError. */
export function readSettings(
  directory: string,
  files: BundleFiles,
): Pick<PolicyBundle, 'name' | 'version' | 'settings'> {
  const path = join(directory, settingsFile);
  let document: unknown;
  try {
    document = parseToml(files[settingsFile] ?? '');
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message.trim() : String(cause);
    throw new PolicyBundleError(path, `the file is not valid TOML (${problem})`, 'Correct it.', { cause });
  }
  const read = settingsSchema.safeParse(document);
  if (read.success) return read.data;
  const problems = read.error.issues.map(({ path: keys, message }) =>
    keys.length === 0 ? message : `${keys.join('.')}: ${message}`,
  );
  throw new PolicyBundleError(
    path,
    problems.join('; '),
    'Correct these settings; docs/policy.md lists them.',
  );
}
