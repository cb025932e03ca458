/** The numbers that TPMs give to what we accept from them (TPM 2.0 Library Part 2, sections 6.3 and 6.4). */

export const tpmAlgorithms = {
  sha256: 0x000b,
  null: 0x0010,
  ecdsa: 0x0018,
  ecc: 0x0023,
} as const;

/** TPM_ECC_NIST_P256. */
export const nistP256 = 0x0003;
