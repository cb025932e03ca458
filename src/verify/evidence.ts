/**
 * Verifies an evidence pack: each entry by its proof, and all of them as one thread, from the policy that was in force over
 * the decision, its redemption and its leases to the end of the run. Pure. What the pack cannot show is listed as unproven.
 */

import type { ArtifactId } from '../format/artifact-id.js';
import type { BundleFiles } from '../format/bundle-digest.js';
import { type Denial, denial } from '../format/denial.js';
import { type EvidencePack, readEvidencePack } from '../format/evidence-pack.js';
import type { QuoteRecord } from '../format/quote.js';
import type { Statement } from '../format/statement.js';
import { parseInstant } from '../format/time.js';
import type { Trust } from '../format/trust.js';
import type { ApprovalRule } from './approvals.js';
import { type Authentication, authenticateBatch } from './authenticate.js';
import { VerificationContext } from './context.js';
import {
  type Chapter,
  chapterOf,
  entriesOf,
  ownDecision,
  type PackedDecision,
  type Placed,
} from './evidence-chapter.js';
import { type PackedStanding, packedStanding } from './evidence-status.js';
import { type PackTexts, proofFor, signatureFaults, textFaults, textsOf } from './evidence-texts.js';
import { threadFaults } from './evidence-thread.js';
import type { ParentArtifact } from './lineage.js';
import type { ProvenQuote } from './quote.js';
import { offlineSituation } from './situation.js';
import { unproven } from './unproven.js';
import type { AuthenticStatement, Unproven } from './verdict.js';
import { verify } from './verify.js';

/** `chapters`: the decision itself first, then its ancestors up to the root. `size`: of the newest proven tree. */
export interface Story {
  readonly chapters: readonly [Chapter, ...Chapter[]];
  /** The texts of the bundles that something of it was decided under, as far as they are in the pack, by their digest. */
  readonly bundles: Readonly<Record<string, BundleFiles>>;
  readonly size: number;
  /** What the log's newest standing status says of the decision, where the pack holds one. */
  readonly standing: PackedStanding | null;
  /** Entries of the pack that have nothing to do with the decision. */
  readonly unrelated: number;
}

export type EvidenceVerdict =
  | { readonly verdict: 'valid'; readonly story: Story; readonly unproven: readonly Unproven[] }
  | {
      readonly verdict: 'denied';
      readonly denials: readonly [Denial, ...Denial[]];
      /** Null where not even the decision itself was proven. */
      readonly story: Story | null;
      readonly unproven: readonly Unproven[];
    };

/** Everything of the pack that was proven, by what it is. */
interface Proven {
  readonly statements: ReadonlyMap<
    ArtifactId,
    { readonly proven: AuthenticStatement; readonly envelope: unknown }
  >;
  readonly records: readonly Placed[];
}

/**
 * Judges a pack (a JSON document, already parsed by `parseJson`). MALFORMED for what is no pack, BAD_SIGNATURE for whatever
 * its proofs do not prove, NO_AUTHORIZATION if the decision itself is missing, POLICY_MISMATCH for a bundle or an input that is
 * not the decision's, STATE_UNVERIFIABLE for entries that do not make one thread, and all codes of `verify` for the artifacts, as
 * of when they were issued.
 * @param ruleOf what the files of a bundle, whose digest was compared, say of approvals; null where they cannot be read
 */
export function verifyEvidence(
  document: unknown,
  trust: Trust,
  ruleOf: (files: BundleFiles) => ApprovalRule | null = () => null,
  context: VerificationContext = new VerificationContext(),
): EvidenceVerdict {
  let pack: EvidencePack;
  try {
    pack = readEvidencePack(document);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    return lost([denial('MALFORMED', cause.message)]);
  }
  const { proven, faults } = prove(pack, trust, context);
  const [firstFault, ...otherFaults] = faults;
  if (firstFault !== undefined) return lost([firstFault, ...otherFaults]);
  const decisions = lineageOf(pack.subject, proven);
  if (decisions === null)
    return lost([denial('NO_AUTHORIZATION', 'the decision that the file is about is not in it')]);
  const texts = textsOf(pack);
  const chapters = decisions.map((decision) =>
    chapterOf(decision, proven.records, (digest) => texts.inputs.get(digest) ?? null),
  );
  const [first, ...others] = chapters;
  if (first === undefined) throw new Error('a lineage begins with its decision');
  const judged = chapters.map((chapter, position) =>
    judgeChapter(chapter, chapters[position + 1] ?? null, { proven, texts, trust, ruleOf, context }),
  );
  const sizes = [...proven.statements.values()].map((each) => each.proven.checkpoint.size);
  const [, above] = chapters;
  const standing = packedStanding(first, above === undefined ? null : parentArtifact(above), proven.records);
  const used = new Set([...chapters.flatMap(entriesOf), ...(standing === null ? [] : [standing.id])]);
  const story: Story = {
    chapters: [first, ...others],
    bundles: Object.fromEntries(texts.bundles),
    size: Math.max(...sizes),
    standing,
    unrelated: proven.statements.size + proven.records.length - used.size,
  };
  const isSigned =
    trust.policyAuthorities.length > 0 &&
    chapters.every((chapter) =>
      isDecided(chapter, ({ activation }) => activation !== null && proofFor(activation, texts) !== null),
    );
  const open = unprovenOf(
    judged.flatMap((each) => each.unproven),
    story,
    isSigned,
  );
  const [firstDenial, ...otherDenials] = [
    ...judged.flatMap((each) => each.denials),
    ...chapters.flatMap((chapter) => threadFaults(chapter)),
    ...chapters.flatMap((chapter) => signatureFaults(chapter, texts, trust.policyAuthorities)),
    ...textFaults(texts, chapters),
  ];
  return firstDenial === undefined
    ? { verdict: 'valid', story, unproven: open }
    : { verdict: 'denied', denials: [firstDenial, ...otherDenials], story, unproven: open };
}

function lost(denials: readonly [Denial, ...Denial[]]): EvidenceVerdict {
  return { verdict: 'denied', denials, story: null, unproven: [] };
}

function prove(
  { entries }: EvidencePack,
  trust: Trust,
  context: VerificationContext,
): { readonly proven: Proven; readonly faults: readonly Denial[] } {
  const outcomes: Authentication[] = authenticateBatch(entries, trust, context, (outcome) => outcome);
  const statements = new Map<ArtifactId, { proven: AuthenticStatement; envelope: unknown }>();
  const records: Placed[] = [];
  const faults: Denial[] = [];
  for (const [position, outcome] of outcomes.entries()) {
    if (outcome.outcome === 'denied') {
      const { code, message, remedy } = outcome.denial;
      faults.push(denial(code, `entry ${position + 1} of the file: ${message}`, remedy));
      continue;
    }
    const { id, payload, index, checkpoint } = outcome.authentic;
    if (payload.content === 'statement') {
      const { statement } = payload;
      statements.set(id, { proven: { id, statement, index, checkpoint }, envelope: entries[position] });
    } else records.push({ id, index, record: payload.record });
  }
  return {
    proven: { statements, records: records.toSorted((left, right) => left.index - right.index) },
    faults,
  };
}

/** The decision and the ancestors that the pack holds, or null without the decision itself. */
function lineageOf(subject: ArtifactId, { statements }: Proven): readonly AuthenticStatement[] | null {
  const decisions: AuthenticStatement[] = [];
  let next: ArtifactId | null = subject;
  while (next !== null && decisions.every(({ id }) => id !== next)) {
    const found = statements.get(next)?.proven;
    if (found === undefined) break;
    decisions.push(found);
    next = parentOf(found.statement);
  }
  return decisions.length === 0 ? null : decisions;
}

function parentOf({ predicateType, predicate }: Statement): ArtifactId | null {
  return predicateType === 'urn:writ:denial:v1' ? null : predicate.lineage.parent;
}

/** What every chapter is judged with. */
interface Judging {
  readonly proven: Proven;
  readonly texts: PackTexts;
  readonly trust: Trust;
  readonly ruleOf: (files: BundleFiles) => ApprovalRule | null;
  readonly context: VerificationContext;
}

/** The artifact itself as of when it was issued. Evidence of a denial permits nothing, and need not: that it is authentic is all. */
function judgeChapter(
  chapter: Chapter,
  above: Chapter | null,
  { proven, texts, trust, ruleOf, context }: Judging,
): { readonly denials: readonly Denial[]; readonly unproven: readonly Unproven[] } {
  const { decision, quote } = chapter;
  const { statement } = decision;
  if (statement.predicateType === 'urn:writ:denial:v1') return { denials: [], unproven: [] };
  const own = ownDecision(chapter);
  const bundle = own && (texts.bundles.get(own.said.bundle) ?? null);
  const activation = own?.activation ?? null;
  const situation = {
    ...offlineSituation(parseInstant(statement.predicate.validity.notBefore)),
    parent: above === null ? null : parentArtifact(above),
    quote: quote && provenQuote(quote),
    approvalRule: bundle && ruleOf(bundle),
    // Whoever pins no authority cannot judge a signature, and is told so.
    policyProof:
      trust.policyAuthorities.length === 0 || activation === null ? null : proofFor(activation, texts),
  };
  const verdict = verify(proven.statements.get(decision.id)?.envelope, trust, situation, context);
  const denials = verdict.verdict === 'valid' ? [] : verdict.denials;
  return { denials, unproven: verdict.unproven };
}

/** A parent as it was when its child was issued: a later revocation ended both, and made neither wrong. */
function parentArtifact({ decision: { id, statement } }: Chapter): ParentArtifact | null {
  if (statement.predicateType === 'urn:writ:denial:v1') return null;
  return { id, predicate: statement.predicate, state: { revoked: false, void: false } };
}

function provenQuote({ id, index, record }: Placed<QuoteRecord>): ProvenQuote {
  return { id, index, record };
}

/** What stays open of the whole, each once. What the pack itself shows is no longer open. */
function unprovenOf(
  of: readonly Unproven[],
  { chapters, bundles, standing }: Story,
  isSigned: boolean,
): Unproven[] {
  const [{ redemption, decision }] = chapters;
  const settled = new Set<Unproven['what']>(['presenter', 'environment', 'action']);
  if (redemption !== null) settled.add('not-redeemed');
  const isThere = ({ said, activation }: PackedDecision) =>
    bundles[said.bundle] !== undefined && activation !== null;
  if (chapters.every((chapter) => isDecided(chapter, isThere))) settled.add('policy');
  const last = chapters.at(-1);
  if (last !== undefined && parentOf(last.decision.statement) === null) settled.add('lineage');
  const open = new Map(of.filter(({ what }) => !settled.has(what)).map((each) => [each.what, each]));
  if (standing?.outcome === 'standing' && open.delete('no-later-revocation'))
    open.set(standing.rest.what, standing.rest);
  open.set('completeness', unproven('completeness'));
  if (!isSigned) open.set('policy-authority', unproven('policy-authority'));
  if (decision.statement.predicateType === 'urn:writ:denial:v1')
    open.set('split-view', unproven('split-view'));
  return [...open.values()];
}

/** Whether a policy was asked at all, and every decision is as it should be. */
function isDecided({ policy }: Chapter, isRight: (decision: PackedDecision) => boolean): boolean {
  return policy.length > 0 && policy.every(isRight);
}
