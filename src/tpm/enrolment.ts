/**
 * Enrolling a TPM, for the command line and for provisioning, and looking at one. Each call runs in a short-lived process of
 * its own, so that the software stack is never loaded here. Every function throws TpmError, `no-answer` among its faults.
 */

import { askOnce } from '../kernel/one-shot-process.js';
import {
  type EnrolmentAnswer,
  type EnrolmentReport,
  type EnrolmentRequest,
  type EnrolRequest,
  parseEnrolmentAnswer,
  type TpmPlaces,
  type TpmReport,
} from './enrolment/protocol.js';
import { TpmError, tpmFault, tpmName } from './faults.js';
import { softwareStackSettings } from './software-stack.js';
import type { PinnedTpm } from './tpm-file.js';

/**
 * Where our objects lie unless told otherwise: outside the ranges that the TCG's registry of reserved handles gives to
 * storage and endorsement keys, and among the NV indices that belong to the owner.
 */
export const defaultAkHandle = 0x8102_5701;
export const defaultCounterIndex = 0x0180_5701;

/**
 * The firmware's part of the boot (TCG PC Client Platform Firmware Profile, section 3.3.4): code, configuration, boot
 * manager, partition table, Secure Boot. From PCR 8 on it is the boot loader's and the operating system's own choice what
 * goes where, and every update changes it; whoever wants that measured too names it (8, 9 with GRUB, 11 with a unified
 * kernel image, 14 with shim).
 */
export const defaultPcrs: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7];

/** A slow chip makes a key in up to ten seconds; an enrolment takes three keys. */
const operationTimeoutMs = 120_000;

/**
 * Makes the attestation key and the counter in the TPM (unless `missing` says `refuse`), or adopts those that are there if
 * they are of our kind; proves that
 * the key lives beside the TPM's endorsement key (TPM2_ActivateCredential, Part 3, section 12.5); reads everything back.
 * An interrupted call is finished by the next.
 * Faults: `key-missing`, `counter-missing`, `key-unfit`, `counter-unfit`, `not-resident`, `no-sha256-bank`, `owner-auth`, and what keeps a TPM from answering.
 */
export async function enrolTpm(request: EnrolRequest): Promise<EnrolmentReport> {
  const answer = await ask({ type: 'enrol', enrol: request }, request.tcti);
  return answer.type === 'enrolled' ? answer.report : unexpected(answer);
}

/** What to pin of an enrolment (tpm.json). */
export function pinnedBy(report: EnrolmentReport, development: boolean): PinnedTpm {
  const { tcti, attestationKey, counter, pcrs, since } = report;
  const { handle, publicArea, name } = attestationKey;
  return {
    tcti,
    development,
    attestationKey: { handle, publicArea, name, since },
    counter: { index: counter.index, name: counter.name },
    pcrs,
  };
}

/** Where the objects of an enrolled TPM lie. */
export function placesOf({ attestationKey, counter }: PinnedTpm): TpmPlaces {
  return { handle: attestationKey.handle, index: counter.index };
}

/** Looks at a TPM; with places, also at the key and the counter there. Changes nothing. */
export async function readTpm(tcti: string, places: TpmPlaces | null): Promise<TpmReport> {
  const answer = await ask({ type: 'look', tcti, places }, tcti);
  return answer.type === 'seen' ? answer.report : unexpected(answer);
}

async function ask(request: EnrolmentRequest, tcti: string): Promise<EnrolmentAnswer> {
  const asked = await askOnce(
    new URL('./enrolment/main.js', import.meta.url),
    softwareStackSettings,
    request,
    parseEnrolmentAnswer,
    operationTimeoutMs,
  );
  if (asked.outcome === 'silent')
    throw new TpmError(tpmFault('no-answer', `the process that asked ${tpmName(tcti)} ${asked.how}`));
  if (asked.answer.type === 'failed') throw new TpmError(asked.answer.fault);
  return asked.answer;
}

function unexpected({ type }: EnrolmentAnswer): never {
  throw new TypeError(`the enrolling process gave an answer that was not asked for: ${type}`);
}
