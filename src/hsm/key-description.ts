/** A key pair as its token describes it, and what that says about the promise that the key never leaves. */

/** What a token says about a private key, read back from it. */
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

/** `id` is CKA_ID in lower-case hex; `publicKey` is raw, and null where none can be read. */
export interface KeyDescription {
  readonly id: string;
  readonly label: string;
  readonly publicKey: Uint8Array | null;
  readonly protection: KeyProtection;
}

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
