/** Keeps the log key from signing two histories: judges each tree head by the newest one that was signed before it. */

import { equalBytes } from '../../format/bytes.js';
import { type Checkpoint, formatCheckpoint, parseCheckpoint } from '../../format/checkpoint.js';
import { parseNote, type SignedNote, signaturesOf, verifierKey } from '../../format/note.js';
import { utf8Encode } from '../../format/utf8.js';
import { type VerifyingKey, verifyingKey } from '../../verify/ed25519.js';
import { HsmError, hsmFault } from '../faults.js';
import type { RetiredKey } from '../succession.js';

/** The one log that may be signed for, and the tree head below which nothing is. */
export interface History {
  readonly origin: string;
  readonly newest: Checkpoint | null;
}

/**
 * The history that a signed checkpoint proves under the pinned log key; without a checkpoint, an empty one. A log that was
 * handed over has a history before this key: until it has sealed anything itself, the floor is its predecessor's final tree
 * head, signed by that, and no other.
 * Throws HsmError `bad-floor` for a note that this key did not sign for this log.
 */
export function provenHistory(
  origin: string,
  logKey: VerifyingKey,
  floor: string | null,
  retired: readonly RetiredKey[] = [],
): History {
  const predecessor = retired.filter(({ role }) => role === 'log').at(-1) ?? null;
  if (floor === null && predecessor !== null)
    throw new HsmError(hsmFault('bad-floor', 'the log was handed over, but its last checkpoint is missing'));
  if (floor === null) return { origin, newest: null };
  let newest: Checkpoint;
  let holds: boolean;
  try {
    const note = parseNote(floor);
    newest = parseCheckpoint(note.text);
    holds = isFloor(note, newest, { origin, logKey, predecessor });
  } catch (cause) {
    throw new HsmError(hsmFault('bad-floor', 'the last checkpoint of the log cannot be read'), { cause });
  }
  if (newest.origin !== origin) {
    throw new HsmError(hsmFault('bad-floor', `the last checkpoint is not of the log ${origin}`));
  }
  if (!holds) {
    throw new HsmError(hsmFault('bad-floor', 'the last checkpoint is not signed by the pinned log key'));
  }
  return { origin, newest };
}

interface Keys {
  readonly origin: string;
  readonly logKey: VerifyingKey;
  readonly predecessor: RetiredKey | null;
}

function isFloor(note: SignedNote, newest: Checkpoint, { origin, logKey, predecessor }: Keys): boolean {
  if (predecessor === null) return isSignedBy(note, origin, logKey);
  const { size, root } = predecessor.final;
  // Below its predecessor's last tree head this key never signed anything.
  if (newest.size < size || (newest.size === size && !equalBytes(newest.root, root))) return false;
  if (isSignedBy(note, origin, logKey)) return true;
  return newest.size === size && isSignedBy(note, origin, verifyingKey(predecessor.publicKey));
}

function isSignedBy(note: SignedNote, origin: string, key: VerifyingKey): boolean {
  const text = utf8Encode(note.text);
  const signatures = signaturesOf(note, verifierKey(origin, key.publicKey));
  return signatures.length > 0 && signatures.every(({ signature }) => key.verify(text, signature));
}

/** Why the log key must not sign this tree head; null when it may. */
export function refusalOf(checkpoint: Checkpoint, { origin, newest }: History): string | null {
  try {
    formatCheckpoint(checkpoint);
  } catch (cause) {
    return `it is no checkpoint: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
  if (checkpoint.origin !== origin) return `it is a checkpoint of another log than ${origin}`;
  if (newest === null || checkpoint.size > newest.size) return null;
  if (checkpoint.size < newest.size) {
    return `its size ${checkpoint.size} is smaller than the size ${newest.size} that was signed before`;
  }
  if (equalBytes(checkpoint.root, newest.root)) return null;
  return `another root was signed before at its size ${checkpoint.size}`;
}
