/** Proofs of possession on the command line: made with an OpenSSH key, and read from a file. */

import { base64Encode } from '../format/base64.js';
import {
  type PossessionClaim,
  type PossessionProof,
  type PossessionSignature,
  possessionNamespaces,
  possessionProofSchema,
  possessionText,
} from '../format/possession.js';
import { readJsonFile } from './artifact-file.js';
import { UsageError } from './cli-error.js';
import { signWithSshKey } from './ssh-signing.js';

/** Signs a claim with the key of a file (see `signWithSshKey`). Throws UsageError and MissingError. */
export async function provePossession(
  keyFile: string,
  claim: PossessionClaim,
  environment: NodeJS.ProcessEnv,
): Promise<PossessionSignature> {
  const namespace = possessionNamespaces[claim.use];
  const { signature } = await signWithSshKey(keyFile, namespace, possessionText(claim), environment);
  return { form: 'sshsig', signature: base64Encode(signature) };
}

/** A presentation from a file. Nothing in it is verified. Throws UsageError. */
export async function readPossession(path: string): Promise<PossessionProof> {
  const parsed = possessionProofSchema.safeParse(await readJsonFile(path));
  if (parsed.success) return parsed.data;
  throw new UsageError(`${path} is no proof of possession; writ present makes one`);
}
