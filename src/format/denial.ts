/** The closed union of denial codes, and what each tells its reader to do. */

import { z } from 'zod';

/** Codes whose denials are signed, logged evidence. */
export const evidenceCodes = [
  'NO_AUTHORIZATION',
  'BAD_SIGNATURE',
  'POLICY_DENIED',
  'POLICY_MISMATCH',
  'REPLAYED',
  'IDENTITY_MISMATCH',
  'BAD_CREDENTIALS',
  'ENVIRONMENT_MISMATCH',
  'LINEAGE_BROKEN',
  'REVOKED',
  'EXPIRED',
  'NOT_YET_VALID',
  'SCOPE_MISMATCH',
  'STATE_UNVERIFIABLE',
  'APPROVAL_REQUIRED',
  'CLOCK_UNTRUSTED',
  'TPM_UNAVAILABLE',
] as const;

/** Codes of plain answers: nothing can or should be sealed for them. */
export const plainCodes = [
  'HSM_UNAVAILABLE',
  'LOG_UNAVAILABLE',
  'OVERLOADED',
  'MALFORMED',
  'TOO_LARGE',
] as const;

export type EvidenceCode = (typeof evidenceCodes)[number];
export type PlainCode = (typeof plainCodes)[number];
export type DenialCode = EvidenceCode | PlainCode;

/** One reason why something was denied: a code, one plain sentence, and what to do about it. */
export interface Denial<Code extends DenialCode = DenialCode> {
  readonly code: Code;
  readonly message: string;
  readonly remedy: string;
}

/** One reason at least: a denial without a reason cannot be written. */
export type Denials<Code extends DenialCode = DenialCode> = readonly [Denial<Code>, ...Denial<Code>[]];

const remedies: Readonly<Record<DenialCode, string>> = {
  NO_AUTHORIZATION: 'Ask for an authorization first (writ authorize), and present the artifact it returns.',
  BAD_SIGNATURE: 'Do not use this artifact. Fetch it again from its issuer and check the trust bundle.',
  POLICY_DENIED: 'Ask whoever owns the policy bundle, or ask for something that the policy permits.',
  POLICY_MISMATCH: 'Ask for a new authorization under the policy bundle in force.',
  REPLAYED: 'Ask for a new authorization: a single-use artifact is redeemed once.',
  IDENTITY_MISMATCH: 'Present the artifact as the principal that it is bound to.',
  BAD_CREDENTIALS: 'Check the key or credential that was presented.',
  ENVIRONMENT_MISMATCH: 'Ask for a new authorization in the environment where it will be used.',
  LINEAGE_BROKEN: 'Ask for a new authorization under a parent that is valid and at least as wide.',
  REVOKED: 'Ask for a new authorization; a revocation is final.',
  EXPIRED: 'Ask for a new authorization.',
  NOT_YET_VALID: 'Wait until the artifact becomes valid, and check the clock.',
  SCOPE_MISMATCH: 'Do exactly what was authorized, or ask for an authorization of this action.',
  STATE_UNVERIFIABLE: 'Present the missing evidence, or ask the daemon that issued the artifact.',
  APPROVAL_REQUIRED: 'Have the pending request approved, then ask again.',
  CLOCK_UNTRUSTED:
    'Correct the system clock. If it was wrong when the daemon first started, it is believed after a restart of the machine.',
  TPM_UNAVAILABLE: 'Make the TPM reachable for the daemon, then ask again.',
  HSM_UNAVAILABLE: 'Check the token (writ token status), then ask again.',
  LOG_UNAVAILABLE:
    'Check the free space and health of the disk that holds the state directory, then ask again.',
  OVERLOADED: 'Wait a little and ask again, with fewer requests in flight.',
  MALFORMED: 'Correct the request or document; docs/protocol.md and docs/formats.md describe both.',
  TOO_LARGE: 'Make the request smaller.',
};

/** For whoever named an id that a log does not hold: an authorization is not what is missing. */
export const unknownIdRemedy =
  'Check the id, and that the daemon is the one whose log holds it; writ log show lists the newest entries.';

/** The longest message or remedy, in UTF-16 code units. */
const maxSentenceLength = 1000;

/**
 * A denial with the code's own remedy, or a more fitting one. Both are cut to what a denial statement may hold: they
 * quote names that callers choose, and evidence that nobody could read again would be none.
 */
export function denial<Code extends DenialCode>(
  code: Code,
  message: string,
  remedy: string = remedies[code],
): Denial<Code> {
  return { code, message: shortened(message), remedy: shortened(remedy) };
}

/** A cut never leaves half of a surrogate pair. */
function shortened(sentence: string): string {
  if (sentence.length <= maxSentenceLength) return sentence;
  return `${sentence.slice(0, maxSentenceLength - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** Narrows to codes that a denial statement may carry. */
export function isEvidenceDenial(candidate: Denial): candidate is Denial<EvidenceCode> {
  return (evidenceCodes as readonly string[]).includes(candidate.code);
}

export const evidenceDenialSchema: z.ZodType<Denial<EvidenceCode>> = z.strictObject({
  code: z.enum(evidenceCodes),
  message: z.string().min(1).max(maxSentenceLength),
  remedy: z.string().min(1).max(maxSentenceLength),
});
