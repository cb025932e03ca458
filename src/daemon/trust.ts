/** The daemon's own view of trust: its log and its artifact key, and the file that hands them to clients on this machine. */

import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttestationDocument, BootCount } from '../format/attestation-trust.js';
import { base64Encode } from '../format/base64.js';
import { formatVerifierKey, type VerifierKey } from '../format/note.js';
import type { TrustDocument } from '../format/trust.js';
import { writeDurably } from '../log/durable-file.js';
import type { AttestationKey } from '../tpm/attester.js';

/** The TPM that a daemon quotes with: its attestation key, its counts when it was enrolled, and how often it quotes. */
export interface OwnTpm {
  readonly key: AttestationKey;
  readonly since: BootCount;
  readonly maxAgeSeconds: number;
}

/** A trust bundle that names one log, one artifact key, and one attestation key where there is a TPM. */
export function ownTrust(key: VerifierKey, artifactKey: Uint8Array, tpm: OwnTpm | null): TrustDocument {
  return {
    type: 'urn:writ:trust:v1',
    logs: [{ origin: key.name, vkey: formatVerifierKey(key), retired: null }],
    artifactKeys: [base64Encode(artifactKey)],
    policyAuthorities: [],
    attestation: tpm && attestationBy(key.name, tpm),
  };
}

function attestationBy(log: string, { key, since, maxAgeSeconds }: OwnTpm): AttestationDocument {
  const { name, publicArea } = key;
  return { keys: [{ log, name, publicArea: base64Encode(publicArea), since }], pcrs: [], maxAgeSeconds };
}

/**
 * Puts the trust bundle into the state directory unless there is one: a bundle that somebody pinned is never replaced
 * by the daemon's word.
 */
export async function provideTrustFile(stateDirectory: string, trust: TrustDocument): Promise<void> {
  const path = join(stateDirectory, 'trust.json');
  try {
    await access(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    await writeDurably(path, `${JSON.stringify(trust, null, 2)}\n`);
  }
}
