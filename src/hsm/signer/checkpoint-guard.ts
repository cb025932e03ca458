/** Keeps the log key from signing two histories: judges each tree head by the newest one that was signed before it. */

import { equalBytes } from '../../format/bytes.js';
import { type Checkpoint, formatCheckpoint, parseCheckpoint } from '../../format/checkpoint.js';
import { parseNote, signaturesOf, verifierKey } from '../../format/note.js';
import { utf8Encode } from '../../format/utf8.js';
import type { VerifyingKey } from '../../verify/ed25519.js';
import { HsmError, hsmFault } from '../faults.js';

/** The one log that may be signed for, and the tree head below which nothing is. */
export interface History {
  readonly origin: string;
  readonly newest: Checkpoint | null;
}

/**
 * The history that a signed checkpoint proves under the pinned log key; without a checkpoint, an empty one.
 * Throws HsmError `bad-floor` for a note that this key did not sign for this log.
 */
export function provenHistory(origin: string, logKey: VerifyingKey, floor: string | null): History {
  if (floor === null) return { origin, newest: null };
  let newest: Checkpoint;
  let holds: boolean;
  try {
    const note = parseNote(floor);
    newest = parseCheckpoint(note.text);
    const text = utf8Encode(note.text);
    const signatures = signaturesOf(note, verifierKey(origin, logKey.publicKey));
    holds = signatures.length > 0 && signatures.every(({ signature }) => logKey.verify(text, signature));
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
