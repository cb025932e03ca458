/** `writ verify`: the pure verifier over files. Asks no daemon, trusts nothing but the pinned bundle. */

import type { Trust } from '../../format/trust.js';
import type { PresentedPossession } from '../../verify/possession.js';
import type { Situation } from '../../verify/situation.js';
import type { PresentedStatus } from '../../verify/standing.js';
import type { AuthenticRecord, AuthenticStatement, Verdict } from '../../verify/verdict.js';
import { UsageError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { denialLines } from '../denial-text.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { appended, positiveInteger } from '../option-values.js';
import { columns, type Paint } from '../output.js';

interface Flags {
  readonly trust?: string;
  readonly file?: string;
  readonly audience?: string;
  readonly quote: readonly string[];
  readonly log?: string;
  readonly policy?: string;
  readonly possession?: string;
  readonly nonce?: string;
  readonly status?: string;
  readonly maxAge?: number;
}

export const define: Define = (command, act) => {
  command
    .argument('<artifacts...>', 'the files that hold the artifacts')
    .option('--trust <file>', 'the pinned trust bundle (otherwise trust.json in the state directory)')
    .option('--file <file>', 'the executable or signed file that the artifact must name')
    .option('--audience <name>', 'the relying party that the artifact must be for')
    .option('--quote <file>', 'a TPM quote that artifacts may cite; can be given several times', appended, [])
    .option('--log <directory>', 'a copy of the published log, to prove tree heads of retired log keys from')
    .option(
      '--policy <place>',
      'the policy bundle that decisions and approvals must be of: a directory, a signed bundle, or the proof that it was signed',
    )
    .option(
      '--possession <file>',
      'a proof that the key is held which the artifact is bound to (writ present)',
    )
    .option('--nonce <base64>', 'the nonce that this verifier chose for that proof')
    .option(
      '--status <file>',
      'a standing status of the log, which tells what is revoked (writ status statement)',
    )
    .option('--max-age <seconds>', 'how old that status may be, if it says no less itself', positiveInteger)
    .addHelpText(
      'after',
      examples(
        'writ verify artifact.json --trust trust.json',
        'writ verify release.tar.gz.writ --trust trust.json --file release.tar.gz',
        'writ verify artifact.json --quote quote.json --trust trust.json',
        'writ verify archive/*.json --trust trust.json',
        'writ verify case.writ --trust trust.json',
        'writ verify artifact.json --status status.json --max-age 600',
        'writ verify artifact.json --trust trust.json --policy starter-7.writ-policy.json',
        'writ verify old.json --trust trust.json --log /mnt/copy/log',
        'writ verify artifact.json --trust trust.json --possession proof.json --nonce AAECAwQFBgcICQoLDA0ODw==',
      ),
    );
  act((context) => verifyFiles(context, command.args, command.opts<Flags>()));
};

async function verifyFiles(context: CliContext, paths: readonly string[], flags: Flags): Promise<ExitCode> {
  const { readCandidate } = await import('../artifact-file.js');
  const { loadTrust } = await import('../trust-file.js');
  const { verifyBatch } = await import('../../verify/verify.js');
  const { offlineSituation } = await import('../../verify/situation.js');
  const { loadQuotes, quoteFor } = await import('../quote-file.js');
  const text = await import('../statement-text.js');
  const candidates: unknown[] = [];
  const pinned = await loadTrust(context, flags.trust);
  for (const path of paths) candidates.push(await readCandidate(path));
  const { isEvidencePack } = await import('../../format/evidence-pack.js');
  if (candidates.some(isEvidencePack)) return verifyPack(context, candidates, pinned);
  const trust = flags.log === undefined ? pinned : await grownTrust(context, pinned, candidates, flags.log);
  const file =
    flags.file === undefined ? null : (await (await import('./sign.js')).digestsOf(flags.file)).digests;
  const quotes = await loadQuotes(flags.quote, trust);
  const possession = await presentedPossession(flags);
  const situation = {
    ...offlineSituation(Date.now()),
    ...(await ruledBy(flags.policy, trust)),
    file,
    audience: flags.audience ?? null,
    possession,
    standing: await presentedStatus(flags, trust),
  };
  const verdicts = verifyBatch(candidates, trust, (position) => ({
    ...situation,
    quote: quoteFor(candidates[position], quotes),
  }));
  const [first] = verdicts;
  if (first !== undefined && verdicts.length === 1) {
    context.output.result(verdictDocument(first), (paint) => verdictLines(first, text, paint));
  } else {
    const named = verdicts.map((verdict, position) => ({ path: paths[position] ?? '', verdict }));
    context.output.result(
      named.map(({ path, verdict }) => ({ file: path, ...verdictDocument(verdict) })),
      (paint) => overviewLines(named, paint),
    );
  }
  return verdicts.every(({ verdict }) => verdict === 'valid') ? exitCodes.ok : exitCodes.denied;
}

/** An evidence pack tells a story of its own. */
async function verifyPack(
  context: CliContext,
  candidates: readonly unknown[],
  trust: Trust,
): Promise<ExitCode> {
  const [candidate] = candidates;
  if (candidates.length > 1) throw new UsageError('an evidence pack is verified alone: name that file only');
  const { showEvidence } = await import('../evidence/show.js');
  return showEvidence(context, candidate, trust);
}

/**
 * The bundle that artifacts must have been decided under, which also says who may approve and what needs approval; and the
 * proof of its signature. That of a directory plays a part only where the trust bundle pins an authority.
 */
async function ruledBy(
  place: string | undefined,
  { policyAuthorities }: Trust,
): Promise<Pick<Situation, 'policyBundles' | 'policyProof' | 'approvalRule'>> {
  if (place === undefined) return { policyBundles: null, policyProof: null, approvalRule: null };
  const { bundleOfDocument, documentAt } = await import('../policy-place.js');
  const { document, isDirectory } = await documentAt(place);
  const bundle = await bundleOfDocument(place, document);
  const isProven = document.statement !== null && (!isDirectory || policyAuthorities.length > 0);
  return {
    policyBundles: bundle && [bundle.digest],
    policyProof: isProven ? document : null,
    approvalRule: bundle,
  };
}

/** The proof of possession as this verifier got it: it must answer his nonce, if he chose one, and be for him. */
async function presentedPossession({
  possession,
  nonce,
  audience,
}: Flags): Promise<PresentedPossession | null> {
  if (possession === undefined) {
    if (nonce !== undefined) throw new UsageError('--nonce is for a proof: give --possession as well');
    return null;
  }
  const { readPossession } = await import('../possession-proof.js');
  const { form, signature, ...claim } = await readPossession(possession);
  return {
    claim,
    proof: { form, signature },
    expected: { nonce: nonce ?? null, audience: audience ?? null },
  };
}

/** The standing status that revocations are looked up in. Throws UsageError for one that no trusted log holds. */
async function presentedStatus({ status, maxAge }: Flags, trust: Trust): Promise<PresentedStatus | null> {
  if (status === undefined) {
    if (maxAge !== undefined) throw new UsageError('--max-age is for a status: give --status as well');
    return null;
  }
  const { readCandidate } = await import('../artifact-file.js');
  const { proveStatus } = await import('../../verify/standing.js');
  const proof = proveStatus(await readCandidate(status), trust);
  if (proof.outcome === 'denied')
    throw new UsageError(`${status} is no status that can be used: ${proof.denial.message}`);
  return { status: proof.status, maxAgeSeconds: maxAge ?? null };
}

/** The pinned trust with the tree heads that a copy of the log proves; a note says what it could not prove. */
async function grownTrust(
  { output }: CliContext,
  pinned: Trust,
  candidates: readonly unknown[],
  directory: string,
): Promise<Trust> {
  const { withHeadsFrom } = await import('../proven-heads.js');
  const { trust, problems } = await withHeadsFrom(directory, pinned, candidates);
  for (const problem of problems) output.note(problem);
  return trust;
}

/** One line for each valid artifact; each denied one with its reasons; the count at the end. */
function overviewLines(
  named: readonly { readonly path: string; readonly verdict: Verdict }[],
  paint: Paint,
): string[] {
  const lines = named.flatMap(({ path, verdict }) =>
    verdict.verdict === 'valid'
      ? [`${paint('good', 'valid')}   ${path}`]
      : [
          `${paint('bad', 'denied')}  ${path}`,
          ...verdict.denials.map(({ code, message }) => `  ${code}: ${message}`),
        ],
  );
  const validCount = named.filter(({ verdict }) => verdict.verdict === 'valid').length;
  return [
    ...lines,
    `${validCount} valid, ${named.length - validCount} denied`,
    paint('faint', 'verify one alone to see what it says and what was not proven'),
  ];
}

/** The verdict as JSON carries it: the checkpoint's root in base64. */
function verdictDocument(verdict: Verdict): object {
  const document = { ...verdict, artifact: withRootText(verdict.artifact) };
  return verdict.verdict === 'valid' ? document : { ...document, record: withRootText(verdict.record) };
}

function withRootText(proven: AuthenticStatement | AuthenticRecord | null): unknown {
  if (proven === null) return null;
  const { checkpoint } = proven;
  return { ...proven, checkpoint: { ...checkpoint, root: Buffer.from(checkpoint.root).toString('base64') } };
}

function verdictLines(verdict: Verdict, text: typeof import('../statement-text.js'), paint: Paint): string[] {
  const { unproven } = verdict;
  const head =
    verdict.verdict === 'valid'
      ? [paint('good', 'valid')]
      : denialLines(verdict.denials, null, paint).slice(0, -1);
  const facts = factLines(verdict, text, paint);
  const open = unproven.map(({ what, message }) => `  ${what}: ${message}`);
  return [...head, ...facts, ...(open.length === 0 ? [] : [paint('faint', 'not proven'), ...open])];
}

function factLines(
  verdict: Verdict,
  { statementRows, recordText }: typeof import('../statement-text.js'),
  paint: Paint,
): string[] {
  const proven = verdict.artifact ?? (verdict.verdict === 'denied' ? verdict.record : null);
  if (proven === null) return [paint('faint', '  nothing that this file says is proven')];
  const rows: readonly (readonly [string, string])[] =
    'record' in proven ? [['record', recordText(proven.record)]] : statementRows(proven.statement);
  const place = `${proven.index}, under a checkpoint over ${proven.checkpoint.size} entries`;
  return [
    ...(verdict.verdict === 'valid'
      ? []
      : [paint('strong', 'authentic all the same: a trusted log holds it')]),
    ...columns([['id', proven.id], ...rows, ['log index', place]]),
  ];
}
