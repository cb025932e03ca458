/** The daemon's own view of trust: its log and its artifact key, as `writ trust export` hands them out. */

import { base64Encode } from '../format/base64.js';
import { formatVerifierKey, type VerifierKey } from '../format/note.js';
import { parseTrust, type Trust } from '../format/trust.js';

/** A trust bundle that names one log and one artifact key. */
export function ownTrust(key: VerifierKey, artifactKey: Uint8Array): Trust {
  return parseTrust({
    type: 'urn:writ:trust:v1',
    logs: [{ origin: key.name, vkey: formatVerifierKey(key), retired: null }],
    artifactKeys: [base64Encode(artifactKey)],
  });
}
