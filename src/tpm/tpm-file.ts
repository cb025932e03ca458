/**
 * `tpm.json` in the state directory: the TPM that a daemon quotes and counts with, pinned when it was enrolled. It holds no
 * secret. Relative paths in it start at its own directory, so that a state directory can be moved.
 */

import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { z } from 'zod';
import type { BootCount } from '../format/attestation-trust.js';
import { base64Decode, base64Encode } from '../format/base64.js';
import { firstIssue } from '../format/statement.js';
import { parseJsonBytes } from '../format/strict-json.js';
import { parseAttestationPublic, tpmNameOf, tpmNameSchema } from '../format/tpm-public.js';
import { createFile, findFile } from '../kernel/private-file.js';
import type { AttestationKey } from './attester.js';
import { TpmError, tpmFault } from './faults.js';

/** Everything about a TPM that is pinned; a path in `tcti` is absolute. */
export interface PinnedTpm {
  /** Where the TPM is: `device:/dev/tpmrm0`, or `swtpm:path=` and the socket of a simulator. */
  readonly tcti: string;
  /** A simulator of the state directory, which is started with the daemon: for development, it proves nothing. */
  readonly development: boolean;
  readonly attestationKey: AttestationKey & {
    readonly handle: number;
    /** What a quote by this key showed when it was enrolled: no quote that shows less is believed. */
    readonly since: BootCount;
  };
  /** `name` in hex, as the TPM tells it after the counter's first increment. */
  readonly counter: { readonly index: number; readonly name: string };
  /** The PCRs of the SHA-256 bank that are quoted, rising. */
  readonly pcrs: readonly number[];
}

/** PCR 10 is extended by the kernel (IMA) at any time: no two quotes over it agree. */
export const movingPcr = 10;

/** Persistent objects (Part 2, section 7.5); the last eighth, from 0x81800000 on, is the platform's. */
export const keyHandleSchema = z.int().min(0x8100_0000).max(0x817f_ffff);
/** NV indices (Part 2, section 7.5) that the owner may define freely. */
export const counterIndexSchema = z.int().min(0x0180_0000).max(0x01bf_ffff);

export const pcrListSchema: z.ZodType<readonly number[]> = z
  .array(z.int().min(0).max(23))
  .min(1)
  .refine((pcrs) => pcrs.every((index, at) => at === 0 || index > (pcrs[at - 1] ?? 24)), 'must rise')
  .refine(
    (pcrs) => !pcrs.includes(movingPcr),
    `must not hold ${movingPcr}, which the kernel extends all the time`,
  )
  .readonly();

const bootCount = z.int().min(0).max(0xffff_ffff);

const fileSchema = z.strictObject({
  version: z.literal(1),
  tcti: z.string().regex(/^(?:device:|swtpm:path=)[^,]+$/, 'must be device:FILE or swtpm:path=SOCKET'),
  development: z.boolean(),
  attestationKey: z.strictObject({
    handle: keyHandleSchema,
    publicArea: z.string().max(2048),
    name: tpmNameSchema,
    since: z.strictObject({ resetCount: bootCount, restartCount: bootCount }),
  }),
  counter: z.strictObject({ index: counterIndexSchema, name: tpmNameSchema }),
  pcrs: pcrListSchema,
});

type TpmFile = z.infer<typeof fileSchema>;

/** Reads the file; null when there is none: then there is no TPM. Throws TpmError `tpm-file` for one that cannot be used. */
export function findTpmFile(path: string): PinnedTpm | null {
  try {
    const bytes = findFile(path);
    if (bytes === null) return null;
    const parsed = fileSchema.safeParse(parseJsonBytes(bytes));
    if (!parsed.success) throw new SyntaxError(firstIssue(parsed.error));
    return pinnedOf(parsed.data, dirname(resolve(path)));
  } catch (cause) {
    throw unusable(path, cause);
  }
}

/**
 * Writes the file durably and in one step; a path below its directory becomes relative. An enrolment is never overwritten:
 * throws TpmError `enrolled-already` when there is a file, otherwise the system's error.
 */
export function writeTpmFile(path: string, pinned: PinnedTpm): void {
  const { handle, publicArea, name, since } = pinned.attestationKey;
  const file: TpmFile = {
    version: 1,
    tcti: mapPath(pinned.tcti, (target) => inside(dirname(resolve(path)), target)),
    development: pinned.development,
    attestationKey: { handle, publicArea: base64Encode(publicArea), name, since },
    counter: { index: pinned.counter.index, name: pinned.counter.name },
    pcrs: pinned.pcrs,
  };
  if (createFile(path, `${JSON.stringify(file, null, 2)}\n`, 0o644) === 'exists')
    throw new TpmError(tpmFault('enrolled-already', `${path} pins a TPM already`));
}

/** Throws for a key that is no attestation key or not the one that is named: found here, the file is to blame. */
function pinnedOf(file: TpmFile, directory: string): PinnedTpm {
  const { handle, name, since } = file.attestationKey;
  const publicArea = base64Decode(file.attestationKey.publicArea);
  parseAttestationPublic(publicArea);
  if (tpmNameOf(publicArea) !== name)
    throw new SyntaxError('attestationKey.name is not the name of its publicArea');
  return {
    tcti: mapPath(file.tcti, (target) => resolve(directory, target)),
    development: file.development,
    attestationKey: { handle, publicArea, name, since },
    counter: file.counter,
    pcrs: file.pcrs,
  };
}

function mapPath(tcti: string, map: (path: string) => string): string {
  const [, transport = '', path = ''] = /^(device:|swtpm:path=)(.*)$/s.exec(tcti) ?? [];
  return `${transport}${map(path)}`;
}

function inside(directory: string, path: string): string {
  const below = relative(directory, resolve(path));
  return below.startsWith('..') || isAbsolute(below) ? resolve(path) : join(below);
}

function unusable(path: string, cause: unknown): TpmError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new TpmError(tpmFault('tpm-file', `${path} cannot be used: ${reason}`), { cause });
}
