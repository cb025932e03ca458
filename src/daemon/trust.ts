/** The daemon's own view of trust: its log and its artifact key, and the file that hands them to clients on this machine. */

import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { base64Encode } from '../format/base64.js';
import { formatVerifierKey, type VerifierKey } from '../format/note.js';
import type { TrustDocument } from '../format/trust.js';
import { writeDurably } from '../log/durable-file.js';

/** A trust bundle that names one log and one artifact key. */
export function ownTrust(key: VerifierKey, artifactKey: Uint8Array): TrustDocument {
  return {
    type: 'urn:writ:trust:v1',
    logs: [{ origin: key.name, vkey: formatVerifierKey(key), retired: null }],
    artifactKeys: [base64Encode(artifactKey)],
  };
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
