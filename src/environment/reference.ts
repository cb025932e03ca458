/**
 * What this machine's owner accepted it to be: `environment.json` in the state directory. The daemon believes it as it
 * believes its configuration, provided that nobody else could have written it; a relying party keeps values of its own, in its
 * trust bundle.
 */

import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { firstIssue } from '../format/statement.js';
import { parseJson } from '../format/strict-json.js';
import { type Instant, instantSchema } from '../format/time.js';
import { errnoName } from '../kernel/errno.js';
import { replaceFile } from '../kernel/private-file.js';
import { type ComparedBinding, compareBindings } from '../verify/bindings.js';

export interface EnvironmentReference {
  readonly acceptedAt: Instant;
  /** Sorted by name. */
  readonly bindings: readonly ComparedBinding[];
}

/** The file cannot be believed, or not be understood. The message names it and says what to do. */
export class ReferenceFileError extends Error {
  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(
      `${path} ${problem}; have its owner write it anew (writ environment accept), or remove it: nothing is accepted meanwhile`,
      options,
    );
    this.name = 'ReferenceFileError';
  }
}

/** What a reference may name: what an update of the machine changes. Not the boot, which is never the same again. */
const referenceNames: ReadonlySet<string> = new Set([
  'firmware.secureboot',
  'host',
  'hostname',
  'kernel',
  'kernel.cmdline',
  'kernel.ima',
  'kernel.lockdown',
  'pcr',
  'tpm.firmware',
]);

/** The part of a measurement that an owner accepts, sorted by name. */
export function referenceBindings(bindings: readonly ComparedBinding[]): ComparedBinding[] {
  return bindings
    .filter(({ name }) => referenceNames.has(name))
    .map(({ name, value, source }) => ({ name, value, source }))
    .sort((left, right) => (left.name < right.name ? -1 : 1));
}

const fileSchema = z.strictObject({
  version: z.literal(1),
  acceptedAt: instantSchema,
  bindings: z
    .array(
      z.strictObject({
        name: z.string().refine((name) => referenceNames.has(name), 'no reference may name it'),
        value: z.string().max(4096),
        source: z.enum(['tpm', 'kernel', 'reported']),
      }),
    )
    .refine(
      (bindings) => new Set(bindings.map(({ name }) => name)).size === bindings.length,
      'a name stands there twice',
    )
    .readonly(),
});

const maxFileBytes = 1 << 20;
const othersMayWrite = 0o022;

/**
 * Reads the file; null where there is none. Throws ReferenceFileError, also for a file that others than the daemon's user and
 * root could have written.
 */
export function readReference(path: string): EnvironmentReference | null {
  const text = readOwned(path);
  if (text === null) return null;
  let document: unknown;
  try {
    document = parseJson(text);
  } catch (cause) {
    throw new ReferenceFileError(path, 'is no JSON', { cause });
  }
  const read = fileSchema.safeParse(document);
  if (!read.success) throw new ReferenceFileError(path, `is no reference (${firstIssue(read.error)})`);
  return { acceptedAt: read.data.acceptedAt, bindings: read.data.bindings };
}

/** Puts a reference into the file, durably, which only its owner may change. Throws the system's error. */
export function writeReference(path: string, reference: EnvironmentReference): void {
  replaceFile(path, `${JSON.stringify({ version: 1, ...reference }, null, 2)}\n`, 0o644);
}

/** Whether a measured binding is what the reference names, from as good a source. */
export function isAccepted(reference: EnvironmentReference | null, measured: ComparedBinding): boolean {
  const accepted = reference?.bindings.find(({ name }) => name === measured.name);
  return accepted !== undefined && compareBindings([accepted], [measured]).length === 0;
}

/** The text of a file that is its owner's alone; null where there is none. */
function readOwned(path: string): string | null {
  try {
    const file = openSync(path, 'r');
    try {
      const { uid, mode, size } = fstatSync(file);
      if (uid !== 0 && uid !== process.getuid?.())
        throw new ReferenceFileError(path, `belongs to uid ${uid}`);
      if ((mode & othersMayWrite) !== 0)
        throw new ReferenceFileError(path, 'can be written by others than its owner');
      if (size > maxFileBytes) throw new ReferenceFileError(path, `is larger than ${maxFileBytes} bytes`);
      return readFileSync(file, 'utf8');
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    const code = errnoName(cause);
    if (code === 'ENOENT') return null;
    if (code === null) throw cause;
    throw new ReferenceFileError(path, `cannot be read (${code})`, { cause });
  }
}
