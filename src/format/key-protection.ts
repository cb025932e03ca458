/** What a token says of a private key, and what that says about the promise that the key never leaves it. */

import { z } from 'zod';

/** Attributes of a private key (PKCS#11 v3.0, section 4.9), read back from its token. */
export interface KeyProtection {
  readonly sensitive: boolean;
  readonly extractable: boolean;
  /** Null where the token does not keep this history. */
  readonly alwaysSensitive: boolean | null;
  readonly neverExtractable: boolean | null;
  readonly private: boolean;
  readonly token: boolean;
  readonly sign: boolean;
  /** Generated on the token, not imported. Null where the token does not say. */
  readonly local: boolean | null;
}

export const keyProtectionSchema: z.ZodType<KeyProtection> = z.strictObject({
  sensitive: z.boolean(),
  extractable: z.boolean(),
  alwaysSensitive: z.boolean().nullable(),
  neverExtractable: z.boolean().nullable(),
  private: z.boolean(),
  token: z.boolean(),
  sign: z.boolean(),
  local: z.boolean().nullable(),
});

/** Why a private key does not meet the promise that it never leaves the token; null when it does. */
export function exposureOf(protection: KeyProtection): string | null {
  if (protection.extractable) return 'can be extracted';
  if (!protection.sensitive) return 'can be read in the clear';
  if (protection.neverExtractable === false) return 'could once be extracted';
  if (protection.alwaysSensitive === false) return 'could once be read in the clear';
  if (!protection.private) return 'can be used without a login';
  if (!protection.token) return 'vanishes with the session';
  if (!protection.sign) return 'may not sign';
  if (protection.local === false) return 'was not generated on the token';
  return null;
}
