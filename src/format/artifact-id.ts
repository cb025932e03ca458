/** The id of anything logged: `sha3-512:<hex>` over the DSSE PAE of its payload. */

import { z } from 'zod';
import type { EvidenceDigests } from '../hash/evidence.js';
import { hexEncode } from './hex.js';

export type ArtifactId = `sha3-512:${string}`;

const pattern = /^sha3-512:[0-9a-f]{128}$/;

export const artifactIdSchema = z.custom<ArtifactId>(
  (value) => typeof value === 'string' && pattern.test(value),
  'must be an id: sha3-512: and 128 lower-case hexadecimal digits',
);

/** The id that belongs to evidence digests. */
export function artifactIdOf({ sha3_512 }: EvidenceDigests): ArtifactId {
  return `sha3-512:${hexEncode(sha3_512)}`;
}
