/**
 * What can go wrong with a TPM, in words that say what happened, to which TPM, and what to do. The addon's codes, into
 * which it turned the TPM's own (TPM_RC_*, TPM 2.0 Library Part 2, section 6.6), are translated here and nowhere else.
 */

import { type Denial, denial } from '../format/denial.js';

/** Plain data, because it crosses from the processes that talk to a TPM to those that do not. */
export interface TpmFault {
  readonly code: TpmFaultCode;
  readonly message: string;
  readonly remedy: string;
}

/** Thrown by everything in this layer that cannot do what it was asked. */
export class TpmError extends Error {
  readonly fault: TpmFault;
  constructor(fault: TpmFault, options?: ErrorOptions) {
    super(`${fault.message}. ${fault.remedy}`, options);
    this.name = 'TpmError';
    this.fault = fault;
  }
}

/** Every fault, and what its reader can do about it. */
const remedies = {
  'no-support': 'Install libtss2-dev, then build Writ again (npm run build).',
  'tpm-gone':
    'Check that the TPM is there and that this user may use it: /dev/tpmrm0 belongs to the group tss, as a rule.',
  'tpm-busy': 'Nothing, if it passes: ask again. Otherwise see who else uses the TPM.',
  lockout:
    'Wait: the TPM ends the lockout by itself after the time that writ tpm status shows. Nothing is tried meanwhile.',
  'not-started':
    'Restart the machine: its firmware did not start the TPM. A simulator wants the flag startup-clear.',
  'tpm-failed': 'Restart the machine. If the TPM fails its self-test again, have it examined.',
  'owner-auth': 'The TPM has an owner with a password. Clear the owner password, or enrol before it is set.',
  'no-sha256-bank': 'Activate the SHA-256 bank of PCRs in the firmware settings of the machine.',
  'key-missing':
    'Check that this is the right TPM, and that nobody cleared it; writ tpm status shows what it holds.',
  'key-differs':
    'Find out who replaced the key, or whose TPM this is, before anything else. Nothing is quoted until the pinned key is back.',
  'key-unfit': 'Choose another handle (--handle), or remove that object with tpm2_evictcontrol.',
  'counter-missing':
    'Check that this is the right TPM, and that nobody cleared it. A counter that is gone does not come back: what it proved ends there.',
  'counter-differs':
    'Find out who replaced the counter before anything else: a new one knows nothing of the log so far.',
  'counter-unfit': 'Choose another index (--counter), or remove that one with tpm2_nvundefine.',
  'not-resident':
    'Do not use this key: nothing proves that it lives in the TPM whose endorsement key was shown.',
  'bad-answer': 'Have the TPM examined, and look for something between it and Writ.',
  'pcrs-moving': 'Leave out the PCR that something extends all the time (PCR 10 belongs to the kernel).',
  'device-error': "Check the TPM and the kernel's log, then try again.",
  'no-answer': 'Nothing, if it passes: the process is started again. Otherwise check the TPM.',
  'process-ended': 'Nothing, if it passes: the process is started again. Otherwise check the TPM.',
  overloaded: 'Wait a little and ask again, with fewer requests in flight.',
  closed: 'Ask again once the daemon has started.',
  'tpm-file': 'Restore the file from a backup, or remove it and enrol the TPM again with writ tpm init.',
  'enrolled-already':
    'Keep it. To enrol another TPM, remove tpm.json first: the anchors of the log so far then prove nothing any more.',
  'swtpm-missing': 'Install swtpm (apt-get install swtpm), or go on without a TPM.',
  'swtpm-failed': 'Correct what it names, then start again.',
  'swtpm-held': 'Stop the process that runs it, then start again.',
  'unfit-path': 'Choose another state directory with a shorter and plainer path (WRIT_HOME).',
} as const;

export type TpmFaultCode = keyof typeof remedies;

/** Narrows a string that came from another process. */
export function isTpmFaultCode(code: string): code is TpmFaultCode {
  return Object.hasOwn(remedies, code);
}

/** A fault with its code's own remedy. `message` is a clause without a full stop. */
export function tpmFault(code: TpmFaultCode, message: string): TpmFault {
  return { code, message, remedy: remedies[code] };
}

/** The answer to a request that needed the TPM while it could not be asked. */
export function unavailable({ message, remedy }: TpmFault): Denial<'TPM_UNAVAILABLE'> {
  return denial('TPM_UNAVAILABLE', message, remedy);
}

/** Names a TPM to a reader. @param tcti as in tpm.json */
export function tpmName(tcti: string): string {
  return tcti.startsWith('device:') ? `the TPM ${tcti.slice('device:'.length)}` : `the TPM at ${tcti}`;
}

/** The fault behind anything thrown while `tpm` was asked to do something; `tpm` names it to the reader. */
export function faultOf(cause: unknown, tpm: string): TpmFault {
  if (cause instanceof TpmError) return cause.fault;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const translation = typeof code === 'string' ? translations.get(code) : undefined;
  if (translation === undefined) return tpmFault('device-error', `${tpm} failed: ${reason}`);
  return tpmFault(translation.code, `${tpm} ${translation.clause} (${reason})`);
}

interface Translation {
  readonly code: TpmFaultCode;
  /** Follows the TPM's name. */
  readonly clause: string;
}

/** By the addon's codes (addon.ts). What is not here is a fault of the device. */
const translations: ReadonlyMap<string, Translation> = new Map([
  ['TPM_UNSUPPORTED', { code: 'no-support', clause: 'cannot be used' }],
  ['TPM_GONE', { code: 'tpm-gone', clause: 'cannot be reached' }],
  ['TPM_BUSY', { code: 'tpm-busy', clause: 'is busy' }],
  ['TPM_LOCKOUT', { code: 'lockout', clause: 'is in lockout after wrong authorizations' }],
  ['TPM_UNINITIALIZED', { code: 'not-started', clause: 'was not started' }],
  ['TPM_FAILED', { code: 'tpm-failed', clause: 'is in failure mode' }],
  ['TPM_AUTH', { code: 'owner-auth', clause: 'refuses the authorization' }],
  ['TPM_PCRS_MOVING', { code: 'pcrs-moving', clause: 'has PCRs that do not rest' }],
  ['TPM_RESPONSE', { code: 'bad-answer', clause: 'gave an answer that cannot be its own' }],
]);
