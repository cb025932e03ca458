/**
 * The trust bundle of a log whose keys followed one another: for the daemon's own use from `keys.json`, and for the file in
 * the state directory from what the pinned keys themselves sealed.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { base64Encode } from '../format/base64.js';
import { formatVerifierKey, verifierKey } from '../format/note.js';
import { parseJsonBytes } from '../format/strict-json.js';
import { parseTrust, type TrustDocument } from '../format/trust.js';
import { type KeySuccession, type RetiredKey, retiredLogKeys } from '../hsm/succession.js';
import { writeDurably } from '../log/durable-file.js';
import { trustAfterHandOvers } from '../verify/hand-over.js';
import { finishedHandOvers } from './hand-over-files.js';

/** The bundle with the log's earlier keys, each up to its final tree head, and the artifact keys that nobody else had. */
export function withSuccession(
  trust: TrustDocument,
  origin: string,
  succession: KeySuccession,
): TrustDocument {
  const earlier = retiredLogKeys(succession).map((key) => ({
    origin,
    vkey: formatVerifierKey(verifierKey(origin, key.publicKey)),
    retired: { size: key.final.size, root: base64Encode(key.final.root), ...compromiseOf(key, succession) },
  }));
  const artifactKeys = succession.retired
    .filter((key) => key.role === 'artifact' && !isCompromised(key, succession))
    .map(({ publicKey }) => base64Encode(publicKey));
  return {
    ...trust,
    logs: [...earlier, ...trust.logs],
    artifactKeys: [...artifactKeys, ...trust.artifactKeys],
  };
}

/**
 * Brings the pinned bundle in the state directory up to date. What it trusts grows only by what the keys that it pins have
 * sealed (the hand-overs that were done); what it trusts shrinks by the daemon's word alone (compromised keys). Where there is no file,
 * nothing is done.
 */
export async function updateTrustFile(
  stateDirectory: string,
  origin: string,
  succession: KeySuccession,
): Promise<void> {
  if (succession.retired.length === 0) return;
  const path = join(stateDirectory, 'trust.json');
  const before = parseJsonBytes(await readFile(path));
  parseTrust(before);
  const pinned = before as unknown as TrustDocument;
  const grown = trustAfterHandOvers(pinned, await finishedHandOvers(stateDirectory, succession)).trust;
  const trust = restricted(grown, origin, succession);
  if (JSON.stringify(trust) !== JSON.stringify(before))
    await writeDurably(path, `${JSON.stringify(trust, null, 2)}\n`);
}

function restricted(trust: TrustDocument, origin: string, succession: KeySuccession): TrustDocument {
  const lost = succession.retired.filter((key) => isCompromised(key, succession));
  const logs = trust.logs.map((log) => {
    const key = lost.find(
      ({ role, publicKey }) =>
        role === 'log' && formatVerifierKey(verifierKey(origin, publicKey)) === log.vkey,
    );
    if (key === undefined || log.retired === null) return log;
    return { ...log, retired: { ...log.retired, ...compromiseOf(key, succession) } };
  });
  const gone = lost.filter(({ role }) => role === 'artifact').map(({ publicKey }) => base64Encode(publicKey));
  return { ...trust, logs, artifactKeys: trust.artifactKeys.filter((key) => !gone.includes(key)) };
}

function isCompromised({ id }: RetiredKey, { compromised }: KeySuccession): boolean {
  return compromised.some((lost) => lost.id === id);
}

function compromiseOf(
  key: RetiredKey,
  { compromised }: KeySuccession,
): { readonly compromisedFrom?: number } {
  const from = compromised.filter(({ id }) => id === key.id).map(({ fromIndex }) => fromIndex);
  return from.length === 0 ? {} : { compromisedFrom: Math.min(...from) };
}
