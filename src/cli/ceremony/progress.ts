/**
 * `provisioning/progress.json` in the state directory: the plan of a ceremony, the names of the keys that it will make, and
 * what is done. Each change is durable before the next step begins, so a ceremony that was killed is resumed by running it
 * again: the names tell what it made from what was there before.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { firstIssue } from '../../format/statement.js';
import { parseJsonBytes } from '../../format/strict-json.js';
import { formatInstant, type Instant, instantSchema } from '../../format/time.js';
import { stepOutcomes, type TranscriptStep } from '../../format/transcript.js';
import type { KeyName } from '../../hsm/token.js';
import type { ProvisionedRole } from '../../hsm/token-access.js';
import { findFile, replaceFile } from '../../kernel/private-file.js';
import { UsageError } from '../cli-error.js';
import { type Plan, storedPlanSchema } from './plan.js';

export type KeyNames = Readonly<Record<ProvisionedRole, KeyName>>;

interface ProgressFile {
  readonly version: 1;
  readonly plan: Plan;
  readonly began: Instant;
  readonly keyNames: KeyNames;
  /** Steps that were begun, finished or not. */
  readonly begun: readonly string[];
  readonly done: readonly TranscriptStep[];
}

const keyNameSchema: z.ZodType<KeyName> = z.strictObject({
  label: z.string(),
  id: z.string().regex(/^(?:[0-9a-f]{2})+$/),
});

const progressSchema: z.ZodType<ProgressFile> = z.strictObject({
  version: z.literal(1),
  plan: storedPlanSchema,
  began: instantSchema,
  keyNames: z.strictObject({ log: keyNameSchema, artifact: keyNameSchema, policy: keyNameSchema }),
  begun: z.array(z.string()).readonly(),
  done: z
    .array(
      z.strictObject({
        step: z.string(),
        outcome: z.enum(stepOutcomes),
        detail: z.string(),
        ended: instantSchema,
      }),
    )
    .readonly(),
});

/** Directory of what a ceremony leaves beside the daemon's own files. */
export function ceremonyDirectory(stateDirectory: string): string {
  return join(stateDirectory, 'provisioning');
}

export class Progress {
  readonly #path: string;
  #file: ProgressFile;

  private constructor(path: string, file: ProgressFile) {
    this.#path = path;
    this.#file = file;
  }

  /** What an earlier run left; null where there was none. Throws UsageError for a file that cannot be used. */
  static find(stateDirectory: string): Progress | null {
    const path = progressPath(stateDirectory);
    const bytes = findFile(path);
    if (bytes === null) return null;
    try {
      const parsed = progressSchema.safeParse(parseJsonBytes(bytes));
      if (!parsed.success) throw new SyntaxError(firstIssue(parsed.error));
      return new Progress(path, parsed.data);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new UsageError(
        `${path} cannot be used: ${reason}. Restore it; only if nothing of the ceremony is wanted, remove it`,
        { cause },
      );
    }
  }

  /** A ceremony that has done nothing yet; it is kept from its first step on. */
  static begin(stateDirectory: string, plan: Plan, keyNames: KeyNames, nowMs: number): Progress {
    const began = formatInstant(nowMs);
    return new Progress(progressPath(stateDirectory), {
      version: 1,
      plan,
      began,
      keyNames,
      begun: [],
      done: [],
    });
  }

  get plan(): Plan {
    return this.#file.plan;
  }

  get began(): Instant {
    return this.#file.began;
  }

  get keyNames(): KeyNames {
    return this.#file.keyNames;
  }

  get done(): readonly TranscriptStep[] {
    return this.#file.done;
  }

  /** Whether a run of this ceremony, perhaps a killed one, has begun the step. */
  hasBegun(step: string): boolean {
    return this.#file.begun.includes(step);
  }

  isDone(step: string): boolean {
    return this.#file.done.some((record) => record.step === step);
  }

  /** Durable on return. */
  begin(step: string): void {
    if (!this.hasBegun(step)) this.#write({ ...this.#file, begun: [...this.#file.begun, step] });
  }

  /** Durable on return. */
  finish(record: TranscriptStep): void {
    this.#write({ ...this.#file, done: [...this.#file.done, record] });
  }

  #write(file: ProgressFile): void {
    mkdirSync(join(this.#path, '..'), { recursive: true, mode: 0o700 });
    replaceFile(this.#path, `${JSON.stringify(file, null, 2)}\n`, 0o600);
    this.#file = file;
  }
}

function progressPath(stateDirectory: string): string {
  return join(ceremonyDirectory(stateDirectory), 'progress.json');
}
