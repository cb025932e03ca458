/** `writ verify` of an evidence pack: the verdict, the story, and what the file could not prove. */

import type { BundleFiles } from '../../format/bundle-digest.js';
import type { Trust } from '../../format/trust.js';
import { bundleOf } from '../../policy/bundle.js';
import { PolicyBundleError } from '../../policy/bundle-error.js';
import type { ApprovalRule } from '../../verify/approvals.js';
import { type EvidenceVerdict, verifyEvidence } from '../../verify/evidence.js';
import type { CliContext } from '../context.js';
import { denialLines } from '../denial-text.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { type Redecision, redecideAll } from './redecide.js';
import { storyLines } from './story-text.js';

/** Shows what a pack proves under the pinned trust. A decision that comes out otherwise now makes the pack denied. */
export async function showEvidence({ output }: CliContext, pack: unknown, trust: Trust): Promise<ExitCode> {
  const verdict = verifyEvidence(pack, trust, ruleOf);
  const redecisions = verdict.story === null ? [] : redecideAll(verdict.story);
  const isSame = redecisions.every(({ outcome }) => outcome !== 'different');
  output.result({ ...documentOf(verdict), redecisions }, (paint) => [
    ...(verdict.verdict === 'denied'
      ? denialLines(verdict.denials, null, paint).slice(0, -1)
      : [isSame ? paint('good', 'valid') : paint('bad', 'denied: a decision comes out otherwise')]),
    ...(verdict.story === null
      ? [paint('faint', '  nothing that this file says is proven')]
      : storyLines(verdict.story, redecisions)),
    ...openLines(verdict, redecisions, paint),
  ]);
  return verdict.verdict === 'valid' && isSame ? exitCodes.ok : exitCodes.denied;
}

/** What a bundle says of approvals; null where this program cannot use it, which the story says. */
function ruleOf(files: BundleFiles): ApprovalRule | null {
  try {
    return bundleOf('the evidence', files);
  } catch (cause) {
    if (cause instanceof PolicyBundleError) return null;
    throw cause;
  }
}

function openLines(
  { unproven }: EvidenceVerdict,
  redecisions: readonly Redecision[],
  paint: (style: 'faint', text: string) => string,
): string[] {
  const open = unproven.map(({ what, message }) => `  ${what}: ${message}`);
  const undecided = redecisions.flatMap((each) =>
    each.outcome === 'impossible'
      ? [`  decision: that of entry ${each.index} was not made again (${each.reason})`]
      : [],
  );
  return open.length + undecided.length === 0
    ? []
    : [paint('faint', 'not proven'), ...open, ...new Set(undecided)];
}

/** The verdict as JSON carries it: bytes in base64. */
function documentOf(verdict: EvidenceVerdict): object {
  return JSON.parse(
    JSON.stringify(verdict, (_key, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
    ),
  ) as object;
}
