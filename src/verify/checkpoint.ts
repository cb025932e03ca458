/** Checks a signed checkpoint against the logs of a trust bundle (C2SP tlog-checkpoint, signed-note). */

import { equalBytes } from '../format/bytes.js';
import { type Checkpoint, parseCheckpoint } from '../format/checkpoint.js';
import { type Denial, denial } from '../format/denial.js';
import { parseNote, signaturesOf } from '../format/note.js';
import type { RetiredLog, Trust, TrustedLog } from '../format/trust.js';
import { ProofError, verifyConsistency } from '../merkle/proof.js';
import type { Hash } from '../merkle/tree.js';
import { VerificationContext } from './context.js';

/** `log` names the key that signed. */
export type CheckpointVerdict =
  | { readonly verdict: 'valid'; readonly checkpoint: Checkpoint; readonly log: TrustedLog }
  | { readonly verdict: 'denied'; readonly denial: Denial<'BAD_SIGNATURE'> };

/**
 * Signed by a retired key, smaller than its final tree head, and so perhaps a head of the log that it ended, or of a tree
 * that somebody signed who got hold of it later: only the log can tell (`withProvenHead`).
 */
export interface UnplacedCheckpoint {
  readonly verdict: 'unplaced';
  readonly checkpoint: Checkpoint;
  readonly log: TrustedLog & { readonly retired: RetiredLog };
}

/** Proves that a trusted log signed this note. Every failure is BAD_SIGNATURE, with a sentence of its own. */
export function verifyCheckpoint(
  note: string,
  trust: Trust,
  context: VerificationContext = new VerificationContext(),
): CheckpointVerdict {
  const verdict = placeCheckpoint(note, trust, context);
  if (verdict.verdict !== 'unplaced') return verdict;
  return denied(
    'the checkpoint is older than the final tree head of this retired log key, and nothing proves that it lies under it: ' +
      'get a new proof of the artifact (writ log prove --envelope), or prove it from a copy of the log (writ verify --log)',
  );
}

/** As `verifyCheckpoint`, for those who can find out more of a checkpoint that the trust bundle alone cannot place. */
export function placeCheckpoint(
  note: string,
  trust: Trust,
  context: VerificationContext = new VerificationContext(),
): CheckpointVerdict | UnplacedCheckpoint {
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
  const { retired } = signed;
  if (retired === null || isHeadOf(retired, checkpoint)) return { verdict: 'valid', checkpoint, log: signed };
  if (checkpoint.size < retired.size) return { verdict: 'unplaced', checkpoint, log: { ...signed, retired } };
  return denied(
    checkpoint.size === retired.size
      ? 'the checkpoint is not the final tree head of this retired log key'
      : 'the checkpoint is later than the final tree head of this retired log key',
  );
}

/**
 * The trust bundle with one more tree head of a retired log key, proven to lie under its final one, over `finalSize` entries,
 * by a consistency proof (RFC 6962, section 2.1.2). Throws ProofError for one that proves nothing.
 */
export function withProvenHead(
  trust: Trust,
  head: Checkpoint,
  finalSize: number,
  proof: readonly Hash[],
): Trust {
  // The empty tree lies under every other, whatever root somebody wrote beside it.
  if (head.size === 0) throw new ProofError('a tree head over nothing proves nothing');
  const logs = trust.logs.map((log): TrustedLog => {
    const { origin, retired } = log;
    if (origin !== head.origin || retired?.size !== finalSize || head.size >= finalSize) return log;
    verifyConsistency(head, retired, proof);
    return { ...log, retired: { ...retired, proven: [...(retired.proven ?? []), head] } };
  });
  return { ...trust, logs };
}

/**
 * Whether a retired key's signature over this tree head is believed. The key may be in anybody's hands by now, and whoever has
 * it could sign a small tree of their own: so only the pinned head counts, and what is proven to lie under it.
 */
function isHeadOf(retired: RetiredLog, { size, root }: Checkpoint): boolean {
  const heads = [retired, ...(retired.proven ?? [])];
  return heads.some((head) => head.size === size && equalBytes(head.root, root));
}

function denied(message: string): CheckpointVerdict {
  return { verdict: 'denied', denial: denial('BAD_SIGNATURE', message) };
}
