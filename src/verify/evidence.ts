/**
 * Verifies an evidence pack: each entry by its proof, and all of them as one thread, from the policy that was in force over
 * the decision, its redemption and its leases to the end of the run. Pure. What the pack cannot show is listed as unproven.
 */

import type { ArtifactId } from '../format/artifact-id.js';
import { base64Decode } from '../format/base64.js';
import { type BundleFiles, bundleDigest } from '../format/bundle-digest.js';
import { type Denial, denial } from '../format/denial.js';
import { type EvidencePack, readEvidencePack } from '../format/evidence-pack.js';
import { hexEncode } from '../format/hex.js';
import type { EndRecord, LeaseRecord } from '../format/lease.js';
import { isProof, type PolicyDocument, type PolicyProof, proofDigest } from '../format/policy-document.js';
import type { PolicyActivationRecord } from '../format/policy-record.js';
import type { PolicyRecord } from '../format/predicate.js';
import type { QuoteRecord } from '../format/quote.js';
import type { LogRecord } from '../format/record.js';
import type { RedemptionRecord } from '../format/redemption.js';
import { type RevocationRecord, type RevocationTarget, ruleEnds } from '../format/revocation.js';
import type { Statement } from '../format/statement.js';
import { parseInstant } from '../format/time.js';
import type { Trust } from '../format/trust.js';
import { sha3_512 } from '../hash/evidence.js';
import type { ApprovalRule } from './approvals.js';
import { type Authentication, authenticateBatch } from './authenticate.js';
import { VerificationContext } from './context.js';
import type { ParentArtifact } from './lineage.js';
import type { ProvenQuote } from './quote.js';
import { offlineSituation } from './situation.js';
import { unproven } from './unproven.js';
import type { AuthenticStatement, Unproven } from './verdict.js';
import { verify } from './verify.js';

/** A record with its place in the log. */
export interface Placed<Kind extends LogRecord = LogRecord> {
  readonly id: ArtifactId;
  readonly index: number;
  readonly record: Kind;
}

/** A decision, and all that the pack proves to have been logged about it; each list is by rising index. */
export interface Chapter {
  readonly decision: AuthenticStatement;
  readonly redemption: Placed<RedemptionRecord> | null;
  readonly leases: readonly Placed<LeaseRecord>[];
  readonly end: Placed<EndRecord> | null;
  /** Of the artifact itself or of its receipt. */
  readonly revocations: readonly Placed<RevocationRecord>[];
  readonly quote: Placed<QuoteRecord> | null;
  readonly activation: Placed<PolicyActivationRecord> | null;
  /** The texts of the bundle that it was decided under, and the document that it was decided on; both fit their digests. */
  readonly bundle: BundleFiles | null;
  readonly input: Uint8Array | null;
  /** That the bundle was signed, by the digest that its activation names. */
  readonly policyProof: PolicyProof | null;
}

/** `chapters`: the decision itself first, then its ancestors up to the root. `size`: of the newest proven tree. */
export interface Story {
  readonly chapters: readonly [Chapter, ...Chapter[]];
  readonly size: number;
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
  const used = new Set<ArtifactId>();
  const chapters = decisions.map((decision) => chapterOf(decision, pack, proven, used));
  const [first, ...others] = chapters;
  if (first === undefined) throw new Error('a lineage begins with its decision');
  const judged = chapters.map((chapter, position) =>
    judgeChapter(chapter, chapters[position + 1] ?? null, { proven, trust, ruleOf, context }),
  );
  const sizes = [...proven.statements.values()].map((each) => each.proven.checkpoint.size);
  const story: Story = {
    chapters: [first, ...others],
    size: Math.max(...sizes),
    unrelated: proven.statements.size + proven.records.length - used.size,
  };
  const isSigned =
    trust.policyAuthorities.length > 0 && chapters.every(({ policyProof }) => policyProof !== null);
  const open = unprovenOf(
    judged.flatMap((each) => each.unproven),
    story,
    isSigned,
  );
  const [firstDenial, ...otherDenials] = [
    ...judged.flatMap((each) => each.denials),
    ...chapters.flatMap((chapter) => threadFaults(chapter)),
    ...inputFaults(pack, chapters),
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

function policyOf({ statement }: AuthenticStatement): PolicyRecord | null {
  return statement.predicate.policy;
}

function chapterOf(
  decision: AuthenticStatement,
  pack: EvidencePack,
  { records }: Proven,
  used: Set<ArtifactId>,
): Chapter {
  const { environment } = decision.statement.predicate;
  const cited = environment.flatMap((binding) => (binding.source === 'tpm' ? [binding.quote] : []));
  const redemption = records.find(
    isOf('urn:writ:redemption:v1', ({ record }) => record.artifact === decision.id),
  );
  const leases = records.filter(isOf('urn:writ:lease:v1', ({ record }) => record.artifact === decision.id));
  const end = records.find(isOf('urn:writ:end:v1', ({ record }) => record.artifact === decision.id));
  const revocations = records.filter(
    isOf('urn:writ:revocation:v1', ({ record }) =>
      endsThread(record.target, decision, redemption?.id ?? null),
    ),
  );
  const quote = records.find(isOf('urn:writ:quote:v1', ({ id }) => cited.includes(id)));
  const policy = policyOf(decision);
  const activation = records.findLast(
    isOf(
      'urn:writ:policy:v1',
      ({ record, index }) => index < decision.index && record.bundle === policy?.bundle,
    ),
  );
  const input = pack.inputs.find(({ id }) => id === decision.id);
  const bytes = input === undefined ? null : base64Decode(input.input);
  const proofs = pack.policyProofs.filter(isProof);
  used.add(decision.id);
  for (const each of [redemption, ...leases, end, ...revocations, quote, activation])
    if (each !== undefined) used.add(each.id);
  return {
    decision,
    redemption: redemption ?? null,
    leases,
    end: end ?? null,
    revocations,
    quote: quote ?? null,
    activation: activation ?? null,
    bundle: pack.bundles.find((files) => bundleDigest(files) === policy?.bundle) ?? null,
    input: bytes !== null && hexEncode(sha3_512(bytes)) === policy?.input ? bytes : null,
    policyProof: proofs.find((proof) => proofDigest(proof) === activation?.record.statement) ?? null,
  };
}

type OfType<Type extends LogRecord['type']> = Placed<Extract<LogRecord, { readonly type: Type }>>;

function isOf<Type extends LogRecord['type']>(
  type: Type,
  fits: (placed: OfType<Type>) => boolean,
): (placed: Placed) => placed is OfType<Type> {
  const isOfType = (placed: Placed): placed is OfType<Type> => placed.record.type === type;
  return (placed): placed is OfType<Type> => isOfType(placed) && fits(placed);
}

/** What every chapter is judged with. */
interface Judging {
  readonly proven: Proven;
  readonly trust: Trust;
  readonly ruleOf: (files: BundleFiles) => ApprovalRule | null;
  readonly context: VerificationContext;
}

/** The artifact itself as of when it was issued. Evidence of a denial permits nothing, and need not: that it is authentic is all. */
function judgeChapter(
  { decision, quote, bundle, policyProof }: Chapter,
  above: Chapter | null,
  { proven, trust, ruleOf, context }: Judging,
): { readonly denials: readonly Denial[]; readonly unproven: readonly Unproven[] } {
  const { statement } = decision;
  if (statement.predicateType === 'urn:writ:denial:v1') return { denials: [], unproven: [] };
  const situation = {
    ...offlineSituation(parseInstant(statement.predicate.validity.notBefore)),
    parent: above === null ? null : parentArtifact(above),
    quote: quote && provenQuote(quote),
    approvalRule: bundle && ruleOf(bundle),
    // Whoever pins no authority cannot judge a signature, and is told so.
    policyProof: trust.policyAuthorities.length === 0 ? null : policyProof,
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

/** What of a chapter does not follow from what stands before it. */
function threadFaults({ decision, redemption, leases, end, revocations }: Chapter): Denial[] {
  const faults: Denial[] = [];
  const { statement } = decision;
  if (statement.predicateType === 'urn:writ:denial:v1') {
    if (redemption !== null || leases.length > 0) faults.push(broken('a denial was redeemed'));
    return faults;
  }
  const { validity, scope } = statement.predicate;
  if (redemption !== null) {
    const { record, index } = redemption;
    if (index <= decision.index || record.artifactIndex !== decision.index)
      faults.push(broken('the redemption does not follow the artifact that it names'));
    if (typeof scope.bind === 'string' && record.redeemer.uid !== scope.uid)
      faults.push(broken('the artifact was redeemed by another user than it permits'));
    if (parseInstant(record.time) >= parseInstant(validity.notAfter))
      faults.push(broken('the artifact was redeemed after its time'));
  }
  for (const { record, index } of leases) {
    if (redemption === null || record.redemption !== redemption.id || index <= redemption.index)
      faults.push(broken('a lease does not follow the redemption that it names'));
    if (validity.use !== 'lease' || parseInstant(record.until) > parseInstant(validity.until))
      faults.push(broken('a lease goes beyond what the artifact permits'));
  }
  if (end !== null && leases.every(({ id, index }) => id !== end.record.lease || index >= end.index))
    faults.push(broken('the end is not that of a lease in the file'));
  if (
    revocations.some(({ record: { target }, index }) => target.kind === 'artifact' && index <= target.index)
  )
    faults.push(broken('a revocation does not follow what it revokes'));
  return faults;
}

/** Whether a revocation ends this decision by itself, by its receipt, or by a rule. */
function endsThread(
  target: RevocationTarget,
  { id, statement }: AuthenticStatement,
  receipt: ArtifactId | null,
): boolean {
  if (target.kind === 'artifact') return target.id === id || target.id === receipt;
  return statement.predicateType !== 'urn:writ:denial:v1' && ruleEnds(target, statement.predicate);
}

function broken(message: string): Denial {
  return denial('STATE_UNVERIFIABLE', `the entries make no thread: ${message}`);
}

/** Texts that no decision of the pack digests were put into it by somebody else. */
function inputFaults(
  { inputs, bundles, policyProofs }: EvidencePack,
  chapters: readonly Chapter[],
): Denial[] {
  const faults: Denial[] = [];
  const decided = chapters.map(({ decision }) => decision);
  if (inputs.some(({ id }) => chapters.every(({ decision, input }) => decision.id !== id || input === null)))
    faults.push(denial('POLICY_MISMATCH', 'a policy input of the file is not the one that was decided on'));
  const named = new Set(decided.map((decision) => policyOf(decision)?.bundle));
  const proven = new Set<PolicyDocument>(chapters.flatMap(({ policyProof }) => policyProof ?? []));
  if (policyProofs.some((proof) => !proven.has(proof)))
    faults.push(denial('POLICY_MISMATCH', 'a proof of the file is not the one that the activation names'));
  if (bundles.some((files) => !named.has(bundleDigest(files))))
    faults.push(
      denial('POLICY_MISMATCH', 'a policy bundle of the file is not the one that was decided under'),
    );
  return faults;
}

/** What stays open of the whole, each once. What the pack itself shows is no longer open. */
function unprovenOf(of: readonly Unproven[], { chapters }: Story, isSigned: boolean): Unproven[] {
  const [{ redemption, decision }] = chapters;
  const settled = new Set<Unproven['what']>(['presenter', 'environment', 'action']);
  if (redemption !== null) settled.add('not-redeemed');
  if (chapters.every(({ bundle, activation }) => bundle !== null && activation !== null))
    settled.add('policy');
  const last = chapters.at(-1);
  if (last !== undefined && parentOf(last.decision.statement) === null) settled.add('lineage');
  const open = new Map(of.filter(({ what }) => !settled.has(what)).map((each) => [each.what, each]));
  open.set('completeness', unproven('completeness'));
  if (!isSigned) open.set('policy-authority', unproven('policy-authority'));
  if (decision.statement.predicateType === 'urn:writ:denial:v1')
    open.set('split-view', unproven('split-view'));
  return [...open.values()];
}
