/** The digests that name a file or blob: an in-toto DigestSet with all three algorithms, lower-case hex. */

import { z } from 'zod';

export interface DigestSet {
  readonly sha3_512: string;
  readonly blake2b: string;
  readonly sha256: string;
}

export const sha3HexSchema = z.string().regex(/^[0-9a-f]{128}$/, 'must be 128 lower-case hexadecimal digits');

export const digestSetSchema: z.ZodType<DigestSet> = z.strictObject({
  sha3_512: sha3HexSchema,
  blake2b: sha3HexSchema,
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits'),
});

/** Equal only if all three agree. */
export function sameDigests(left: DigestSet, right: DigestSet): boolean {
  return left.sha3_512 === right.sha3_512 && left.blake2b === right.blake2b && left.sha256 === right.sha256;
}
