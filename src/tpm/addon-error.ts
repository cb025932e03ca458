/** How the addon native/tpm says that something failed: a closed set of codes, into which it turned the TPM's own. */

/**
 * - `TPM_UNSUPPORTED`: this build has no support for a TPM, or tpm2-tss is not installed.
 * - `TPM_GONE`: the device or socket cannot be opened, or the connection broke; this one is of no use any more.
 * - `TPM_BUSY`: the TPM asked to be asked later (retry, yielded, testing, NV rate, no room for objects), also after about 2.5 seconds of that.
 * - `TPM_LOCKOUT`: too many wrong authorizations; another try can lengthen it.
 * - `TPM_UNINITIALIZED`: nobody has sent TPM2_Startup, which the firmware does.
 * - `TPM_FAILED`: the TPM is in failure mode.
 * - `TPM_AUTH`: an authorization was refused, as a rule because the hierarchy has a password.
 * - `TPM_ABSENT`: there is no such object, index or PCR bank.
 * - `TPM_PRESENT`: there is one already.
 * - `TPM_POLICY`: the policy of an object is not fulfilled: other PCRs, or an older version.
 * - `TPM_FOREIGN`: a sealed secret is of another TPM, or from before its owner was cleared.
 * - `TPM_PCRS_MOVING`: PCRs changed with each attempt to quote them.
 * - `TPM_RESPONSE`: an answer that the TPM cannot have given; somebody may stand between.
 * - `TPM_RC`: any other response code; `rc` has it.
 */
export const tpmErrorCodes = [
  'TPM_UNSUPPORTED',
  'TPM_GONE',
  'TPM_BUSY',
  'TPM_LOCKOUT',
  'TPM_UNINITIALIZED',
  'TPM_FAILED',
  'TPM_AUTH',
  'TPM_ABSENT',
  'TPM_PRESENT',
  'TPM_POLICY',
  'TPM_FOREIGN',
  'TPM_PCRS_MOVING',
  'TPM_RESPONSE',
  'TPM_RC',
] as const;
export type TpmErrorCode = (typeof tpmErrorCodes)[number];

interface TpmErrorFacts {
  readonly code: TpmErrorCode;
  /** "<code>: <explanation>, <command>"; an explanation of the software stack names the layer that failed. */
  readonly message: string;
  /** The command or function that failed, such as `TPM2_Quote`. */
  readonly command: string;
  /** The response code as eight hex digits with `0x`; null where none explains the failure. */
  readonly rc: string | null;
}

/** Thrown by everything that addon.ts offers. */
export class TpmAddonError extends Error {
  readonly code: TpmErrorCode;
  readonly command: string;
  readonly rc: string | null;

  constructor(facts: TpmErrorFacts, options?: ErrorOptions) {
    super(facts.message, options);
    this.name = 'TpmAddonError';
    this.code = facts.code;
    this.command = facts.command;
    this.rc = facts.rc;
  }

  /** An error that the addon threw, as one of this class; null for any other. */
  static of(cause: unknown): TpmAddonError | null {
    if (!(cause instanceof Error) || !('code' in cause && 'command' in cause && 'rc' in cause)) return null;
    const code = tpmErrorCodes.find((known) => known === cause.code);
    if (code === undefined || typeof cause.command !== 'string') return null;
    const rc = typeof cause.rc === 'string' ? cause.rc : null;
    return new TpmAddonError({ code, message: cause.message, command: cause.command, rc }, { cause });
  }
}

/** Whether a value is one of the codes above. */
export function isTpmErrorCode(value: unknown): value is TpmErrorCode {
  return tpmErrorCodes.some((code) => code === value);
}
