/** Checks a signed checkpoint against the logs of a trust bundle (C2SP tlog-checkpoint, signed-note). */

import { equalBytes } from '../format/bytes.js';
import { type Checkpoint, parseCheckpoint } from '../format/checkpoint.js';
import { type Denial, denial } from '../format/denial.js';
import { parseNote, signaturesOf } from '../format/note.js';
import type { Trust, TrustedLog } from '../format/trust.js';
import { VerificationContext } from './context.js';

/** `log` names the key that signed. */
export type CheckpointVerdict =
  | { readonly verdict: 'valid'; readonly checkpoint: Checkpoint; readonly log: TrustedLog }
  | { readonly verdict: 'denied'; readonly denial: Denial<'BAD_SIGNATURE'> };

/** Proves that a trusted log signed this note. Every failure is BAD_SIGNATURE, with a sentence of its own. */
export function verifyCheckpoint(
  note: string,
  trust: Trust,
  context: VerificationContext = new VerificationContext(),
): CheckpointVerdict {
  let checkpoint: Checkpoint;
  let parsed: ReturnType<typeof parseNote>;
  try {
    parsed = parseNote(note);
    checkpoint = parseCheckpoint(parsed.text);
  } catch (cause) {
    return denied(`the checkpoint cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  const logs = trust.logs.filter(({ origin }) => origin === checkpoint.origin);
  if (logs.length === 0) return denied('the checkpoint is of a log that the trust bundle does not name');
  const signed = logs.find(({ key }) => signaturesOf(parsed, key).length > 0);
  if (signed === undefined)
    return denied('no key that the trust bundle names for this log signed the checkpoint');
  if (!context.isSignedBy(signed.key, parsed))
    return denied('the signature on the checkpoint does not verify');
  return outlives(checkpoint, signed)
    ? denied('the checkpoint is later than the final tree head of this retired log key')
    : { verdict: 'valid', checkpoint, log: signed };
}

/** A retired key may have signed anything up to its pinned final head, and nothing beyond or beside it. */
function outlives({ size, root }: Checkpoint, { retired }: TrustedLog): boolean {
  if (retired === null) return false;
  return size > retired.size || (size === retired.size && !equalBytes(root, retired.root));
}

function denied(message: string): CheckpointVerdict {
  return { verdict: 'denied', denial: denial('BAD_SIGNATURE', message) };
}
