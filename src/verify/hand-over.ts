/**
 * How a relying party learns of a log's new keys without believing anybody anew: the old log key sealed the entry that names
 * the new one. Pure: a pinned trust bundle and that entry with its proof give the next trust bundle.
 */

import { base64Decode, base64Encode } from '../format/base64.js';
import type { KeyRecord } from '../format/key-record.js';
import { formatVerifierKey, verifierKey } from '../format/note.js';
import { parseTrust, type TrustDocument } from '../format/trust.js';
import { ArtifactReader } from './artifact-reader.js';
import { authenticate } from './authenticate.js';
import { verifyingKey } from './ed25519.js';

export type HandOverVerdict =
  /** The next trust bundle: the old log key is retired at the proof's tree head, or an artifact key was added. */
  | { readonly verdict: 'valid'; readonly trust: TrustDocument; readonly record: KeyRecord }
  /** The bundle has the key already. */
  | { readonly verdict: 'known'; readonly record: KeyRecord }
  | { readonly verdict: 'denied'; readonly reason: string };

/**
 * Takes a hand-over into account: an envelope over the `key` record of a new key, proven under the old log key's final
 * checkpoint. Believes it as much as the old key was: whoever fears that this key was in other hands asks for the new
 * bundle over a path that they trust. Throws SyntaxError for a document that is no trust bundle.
 */
export function trustAfterHandOver(document: TrustDocument, envelope: unknown): HandOverVerdict {
  const trust = parseTrust(document);
  const result = authenticate(envelope, trust);
  if (result.outcome === 'denied') {
    const { claimed } = result;
    const known = claimed?.content === 'record' && claimed.record.type === 'urn:writ:key:v1';
    if (known && holdsKey(document, claimed.record)) return { verdict: 'known', record: claimed.record };
    return { verdict: 'denied', reason: result.denial.message };
  }
  const { payload, checkpoint } = result.authentic;
  if (payload.content !== 'record' || payload.record.type !== 'urn:writ:key:v1')
    return { verdict: 'denied', reason: `this is a log entry of kind ${payload.kind}, which names no key` };
  const { record } = payload;
  if (record.event !== 'use')
    return { verdict: 'denied', reason: 'this entry ends a key, and puts none in its place' };
  if (holdsKey(document, record)) return { verdict: 'known', record };
  try {
    verifyingKey(base64Decode(record.publicKey));
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    return { verdict: 'denied', reason: 'the key that the entry names is no Ed25519 key' };
  }
  const { origin, size, root } = checkpoint;
  return { verdict: 'valid', trust: withKey(document, record, { origin, size, root }), record };
}

/** What came of one hand-over among several. `index` is its place in the log; null for what is no proof. */
export interface FollowedHandOver {
  readonly index: number | null;
  readonly verdict: HandOverVerdict;
}

/**
 * Takes several hand-overs into account, in the order of the log, whatever theirs is: each is judged by the keys that those
 * before it left. `followed` says of each, in the order given, what came of it; one that is denied changes nothing. Throws
 * SyntaxError for a document that is no trust bundle.
 */
export function trustAfterHandOvers(
  document: TrustDocument,
  envelopes: readonly unknown[],
): { readonly trust: TrustDocument; readonly followed: readonly FollowedHandOver[] } {
  const placed = envelopes.map((envelope, position) => ({ envelope, position, index: logIndexOf(envelope) }));
  placed.sort((left, right) => (left.index ?? 0) - (right.index ?? 0));
  const followed: FollowedHandOver[] = [];
  let trust = document;
  for (const { envelope, position, index } of placed) {
    const verdict = trustAfterHandOver(trust, envelope);
    if (verdict.verdict === 'valid') trust = verdict.trust;
    followed[position] = { index, verdict };
  }
  return { trust, followed };
}

/** Where an envelope says that it stands in its log: good for ordering, and proven only with the rest of it. */
function logIndexOf(envelope: unknown): number | null {
  const artifact = new ArtifactReader().read(envelope);
  return artifact.outcome === 'read' ? artifact.proof.index : null;
}

function withKey(
  document: TrustDocument,
  { role, publicKey }: KeyRecord,
  { origin, size, root }: { readonly origin: string; readonly size: number; readonly root: Uint8Array },
): TrustDocument {
  if (role === 'artifact') return { ...document, artifactKeys: [...document.artifactKeys, publicKey] };
  const retired = { size, root: base64Encode(root) };
  const logs = document.logs.map((log) =>
    log.origin === origin && log.retired === null ? { ...log, retired } : log,
  );
  const vkey = formatVerifierKey(verifierKey(origin, base64Decode(publicKey)));
  return { ...document, logs: [...logs, { origin, vkey, retired: null }] };
}

/** Whether the bundle has the key, in use or retired. */
function holdsKey({ logs, artifactKeys }: TrustDocument, { role, publicKey, log }: KeyRecord): boolean {
  if (role === 'artifact') return artifactKeys.includes(publicKey);
  const vkey = formatVerifierKey(verifierKey(log, base64Decode(publicKey)));
  return logs.some((known) => known.vkey === vkey);
}
