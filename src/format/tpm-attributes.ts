/** The names of attributes that a TPM reports as bits, for people who read a transcript. */

/** TPMA_OBJECT (TPM 2.0 Library Part 2, section 8.3), by bit. */
const objectBits: ReadonlyMap<number, string> = new Map([
  [1, 'fixedTPM'],
  [2, 'stClear'],
  [4, 'fixedParent'],
  [5, 'sensitiveDataOrigin'],
  [6, 'userWithAuth'],
  [7, 'adminWithPolicy'],
  [10, 'noDA'],
  [11, 'encryptedDuplication'],
  [16, 'restricted'],
  [17, 'decrypt'],
  [18, 'sign'],
  [19, 'x509sign'],
]);

/** TPMA_NV (Part 2, section 13.4), by bit; bits 4 to 7 hold the type. */
const indexBits: ReadonlyMap<number, string> = new Map([
  [0, 'ppWrite'],
  [1, 'ownerWrite'],
  [2, 'authWrite'],
  [3, 'policyWrite'],
  [10, 'policyDelete'],
  [11, 'writeLocked'],
  [12, 'writeAll'],
  [13, 'writeDefine'],
  [14, 'writeStClear'],
  [15, 'globalLock'],
  [16, 'ppRead'],
  [17, 'ownerRead'],
  [18, 'authRead'],
  [19, 'policyRead'],
  [25, 'noDA'],
  [26, 'orderly'],
  [27, 'clearStClear'],
  [28, 'readLocked'],
  [29, 'written'],
  [30, 'platformCreate'],
  [31, 'readStClear'],
]);
const typeBits = [4, 5, 6, 7];
/** TPM_NT_COUNTER. */
const counterType = 1;

/** What is set of TPMA_OBJECT; a bit without a name is called by its number. */
export function objectAttributes(attributes: number): readonly string[] {
  return bitsOf(attributes).map((bit) => objectBits.get(bit) ?? `bit${bit}`);
}

/** What is set of a counter's TPMA_NV, beside its being a counter. */
export function counterAttributes(attributes: number): readonly string[] {
  const type = (attributes >>> 4) & 0xf;
  const others = bitsOf(attributes).filter((bit) => !typeBits.includes(bit));
  return [
    type === counterType ? 'counter' : `type${type}`,
    ...others.map((bit) => indexBits.get(bit) ?? `bit${bit}`),
  ];
}

function bitsOf(attributes: number): number[] {
  return Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => ((attributes >>> bit) & 1) === 1);
}
