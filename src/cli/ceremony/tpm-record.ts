/**
 * `provisioning/tpm.json`: what an enrolment read back, for the transcript. It is durable before `tpm.json` pins the TPM, so
 * that a later run of the ceremony tells what this one saw, whatever the TPM's PCRs hold by then.
 */

import { join } from 'node:path';
import { z } from 'zod';
import { base64Encode } from '../../format/base64.js';
import { hexEncode } from '../../format/hex.js';
import { firstIssue } from '../../format/statement.js';
import { parseJsonBytes } from '../../format/strict-json.js';
import { tpmNameOf } from '../../format/tpm-public.js';
import { type TranscriptTpm, transcriptTpmSchema } from '../../format/transcript-tpm.js';
import { sha256 } from '../../hash/sha256.js';
import { findFile, makePrivateDirectory, replaceFile } from '../../kernel/private-file.js';
import { handleText } from '../../tpm/enrolled-objects.js';
import type { EnrolmentReport } from '../../tpm/enrolment/protocol.js';
import type { PinnedTpm } from '../../tpm/tpm-file.js';
import { UsageError } from '../cli-error.js';
import { ceremonyDirectory } from './progress.js';
import type { TpmPlan } from './tpm-plan.js';

/** `kept`: `tpm.json` pinned it before the ceremony. */
export type TpmOutcome = 'made' | 'adopted' | 'kept';

export interface TpmRecord {
  readonly version: 1;
  readonly outcome: TpmOutcome;
  readonly tpm: TranscriptTpm;
}

const recordSchema: z.ZodType<TpmRecord> = z.strictObject({
  version: z.literal(1),
  outcome: z.enum(['made', 'adopted', 'kept']),
  tpm: transcriptTpmSchema,
});

/** Null where none was written. Throws UsageError for a file that cannot be used. */
export function findTpmRecord(stateDirectory: string): TpmRecord | null {
  const path = recordPath(stateDirectory);
  const bytes = findFile(path);
  if (bytes === null) return null;
  try {
    const parsed = recordSchema.safeParse(parseJsonBytes(bytes));
    if (!parsed.success) throw new SyntaxError(firstIssue(parsed.error));
    return parsed.data;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${path} cannot be used: ${reason}. Remove it; the TPM is then read back again`, {
      cause,
    });
  }
}

/** Durable on return. */
export function writeTpmRecord(stateDirectory: string, record: TpmRecord): void {
  makePrivateDirectory(ceremonyDirectory(stateDirectory));
  replaceFile(recordPath(stateDirectory), `${JSON.stringify(record, null, 2)}\n`, 0o600);
}

/** Whether the record is of the very enrolment that is pinned. */
export function isRecordOf({ tpm }: TpmRecord, { attestationKey, counter, pcrs }: PinnedTpm): boolean {
  const { name, since } = tpm.attestationKey;
  return (
    name === attestationKey.name &&
    since.resetCount === attestationKey.since.resetCount &&
    since.restartCount === attestationKey.since.restartCount &&
    tpm.counter.name === counter.name &&
    tpm.pcrs.map(({ index }) => index).join() === pcrs.join()
  );
}

/** A report of what is pinned now, as the transcript has it. */
export function describeEnrolment(
  { tpm, endorsement, attestationKey, counter, pcrValues }: EnrolmentReport,
  pinned: PinnedTpm,
  plan: TpmPlan,
): TranscriptTpm {
  return {
    tcti: pinned.tcti,
    development: pinned.development,
    manufacturer: tpm.manufacturer,
    vendor: tpm.vendor,
    firmware: tpm.firmwareVersion,
    endorsement: {
      kind: endorsement.kind,
      name: tpmNameOf(endorsement.publicArea),
      certificate: endorsement.certificate && hexEncode(sha256(endorsement.certificate)),
    },
    attestationKey: {
      handle: handleText(attestationKey.handle),
      name: attestationKey.name,
      publicArea: base64Encode(attestationKey.publicArea),
      attributes: attestationKey.attributes,
      since: pinned.attestationKey.since,
    },
    counter: {
      index: handleText(counter.index),
      name: counter.name,
      publicArea: base64Encode(counter.publicArea),
      attributes: counter.attributes,
      value: counter.value,
    },
    pcrs: pcrValues,
    reference: plan.reference,
  };
}

function recordPath(stateDirectory: string): string {
  return join(ceremonyDirectory(stateDirectory), 'tpm.json');
}
