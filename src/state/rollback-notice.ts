/**
 * What a start found when it refused a log that the TPM disowns (`rollback.json`), and somebody's decision to go on all the
 * same (`recovery.json`, made by `writ recover`). The decision names exactly what was found, so it is good for that alone.
 */

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type CounterReading, counterReadingSchema } from '../format/anchor.js';
import { jcsText } from '../format/jcs.js';
import { firstIssue } from '../format/statement.js';
import { parseJsonBytes } from '../format/strict-json.js';
import { replaceFile } from '../kernel/private-file.js';
import type { Continuity } from './continuity.js';

/** The facts: entries of the log and its root (base64), what it announces, what the TPM shows. */
export interface RollbackNotice {
  readonly log: string;
  readonly size: number;
  readonly root: string;
  readonly announced: CounterReading;
  readonly found: CounterReading | null;
  /** One clause for people. */
  readonly reason: string;
}

/** `by`: the uid of whoever decided; `why`: in their words. */
export interface RecoveryDecision {
  readonly notice: RollbackNotice;
  readonly by: number;
  readonly why: string;
}

/** Thrown for a file that holds something else. */
export class RecoveryFileError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RecoveryFileError';
  }
}

const noticeShape = {
  log: z.string().min(1).max(256),
  size: z.int().nonnegative(),
  root: z.string().regex(/^[A-Za-z0-9+/]{43}=$/),
  announced: counterReadingSchema,
  found: counterReadingSchema.nullable(),
  reason: z.string().min(1).max(1024),
};
const noticeSchema: z.ZodType<RollbackNotice> = z.strictObject(noticeShape);
const decisionSchema: z.ZodType<RecoveryDecision> = z.strictObject({
  notice: noticeSchema,
  by: z.int().min(0).max(0xffff_ffff),
  why: z.string().min(1).max(1024),
});

/** The notice of a log that is disowned. */
export function rollbackNotice(
  log: { readonly origin: string; readonly size: number; readonly root: string },
  { announced, found, reason }: Extract<Continuity, { outcome: 'disowned' }>,
): RollbackNotice {
  const { key, counter, value } = announced;
  return {
    log: log.origin,
    size: log.size,
    root: log.root,
    announced: { key, counter, value },
    found,
    reason,
  };
}

export function writeNotice(stateDirectory: string, notice: RollbackNotice): void {
  replaceFile(noticePath(stateDirectory), jsonText(notice), 0o600);
}

/** The notice of the last start, or null. Throws RecoveryFileError. */
export function readNotice(stateDirectory: string): RollbackNotice | null {
  return readFile(noticePath(stateDirectory), noticeSchema);
}

/** Throws the system's error. */
export function writeDecision(stateDirectory: string, decision: RecoveryDecision): void {
  replaceFile(decisionPath(stateDirectory), jsonText(decision), 0o600);
}

/** The decision about exactly these facts, or null. Throws RecoveryFileError. */
export function decisionAbout(stateDirectory: string, notice: RollbackNotice): RecoveryDecision | null {
  const decision = readFile(decisionPath(stateDirectory), decisionSchema);
  if (decision === null) return null;
  return jsonText(decision.notice) === jsonText(notice) ? decision : null;
}

/** Removes both: what they are about is settled. */
export function forgetRollback(stateDirectory: string): void {
  rmSync(noticePath(stateDirectory), { force: true });
  rmSync(decisionPath(stateDirectory), { force: true });
}

function noticePath(stateDirectory: string): string {
  return join(stateDirectory, 'rollback.json');
}

function decisionPath(stateDirectory: string): string {
  return join(stateDirectory, 'recovery.json');
}

/** Canonical, so that equal facts give equal texts. */
function jsonText(value: RollbackNotice | RecoveryDecision): string {
  return `${jcsText(value)}\n`;
}

function readFile<Value>(path: string, schema: z.ZodType<Value>): Value | null {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
    throw new RecoveryFileError(`${path} cannot be read: ${String(cause)}`, { cause });
  }
  try {
    const parsed = schema.safeParse(parseJsonBytes(bytes));
    if (!parsed.success) throw new SyntaxError(firstIssue(parsed.error));
    return parsed.data;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RecoveryFileError(`${path} cannot be used: ${reason}`, { cause });
  }
}
