/** Compares what an artifact says of its TPM with the quote that it cites. */

import type { ArtifactId } from '../format/artifact-id.js';
import { type Denial, denial } from '../format/denial.js';
import type { Binding, GrantPredicate } from '../format/predicate.js';
import { bindingsOfQuote } from '../format/quote.js';
import type { Trust } from '../format/trust.js';
import { placeCheckpoint, type UnplacedCheckpoint } from './checkpoint.js';
import type { VerificationContext } from './context.js';
import { judgeQuote, judgeQuoteAge, type ProvenQuote, readQuote } from './quote.js';
import { unplacedQuote, unproven } from './unproven.js';
import type { Unproven } from './verdict.js';

export interface QuoteJudgement {
  readonly denials: readonly Denial[];
  readonly unproven: readonly Unproven[];
}

const nothingToJudge: QuoteJudgement = { denials: [], unproven: [] };
export const quoteNotPresented: QuoteJudgement = { denials: [], unproven: [unproven('quote')] };

/** What is true of a quote whoever cites it. */
interface JudgedQuote extends QuoteJudgement {
  /** Values by the names of the bindings; empty for a quote that cannot be read. */
  readonly values: ReadonlyMap<string, string>;
}

/** Whether an artifact says anything that only a TPM can know. */
export function citesTpm({ environment }: GrantPredicate): boolean {
  return environment.some(({ source }) => source === 'tpm');
}

/** Id of the quote that the first of an artifact's TPM bindings cites, or null. */
export function citedQuote({ environment }: Pick<GrantPredicate, 'environment'>): ArtifactId | null {
  const binding = environment.find(({ source }) => source === 'tpm');
  return binding?.source === 'tpm' ? binding.quote : null;
}

/** Judges quotes under one trust bundle, which must not change meanwhile: each is judged once. */
export class CitedQuotes {
  readonly #trust: Trust;
  readonly #context: VerificationContext;
  readonly #judged = new Map<ProvenQuote, JudgedQuote>();

  constructor(trust: Trust, context: VerificationContext) {
    this.#trust = trust;
    this.#context = context;
  }

  /**
   * Judges what an artifact says of its TPM: every ENVIRONMENT_MISMATCH, and what stays open.
   * @param index of the artifact's own log entry
   * @param quote the quote that was presented with it, or null
   */
  judge(predicate: GrantPredicate, index: number, quote: ProvenQuote | null): QuoteJudgement {
    if (!citesTpm(predicate)) return nothingToJudge;
    if (quote === null) return quoteNotPresented;
    const { environment, attribution, validity } = predicate;
    if (environment.some((binding) => binding.source === 'tpm' && binding.quote !== quote.id))
      return {
        denials: [mismatch('the presented quote is not the one that the artifact cites')],
        unproven: [],
      };
    const judged = this.#judgedOf(quote);
    const isBefore = quote.record.log === attribution.log && quote.index < index;
    return {
      denials: [
        ...judged.denials,
        ...judgeQuoteAge(quote.record, validity.notBefore, this.#trust.attestation),
        ...(isBefore ? [] : [mismatch('the cited quote does not lie before the artifact in its log')]),
        ...differences(environment, judged.values),
      ],
      unproven: judged.unproven,
    };
  }

  #judgedOf(quote: ProvenQuote): JudgedQuote {
    const known = this.#judged.get(quote);
    if (known !== undefined) return known;
    const { record, index, id } = quote;
    const situation = { trust: this.#trust, index, citedAt: null, previous: null };
    const unplaced = unplacedCheckpointOf(quote, this.#trust, this.#context);
    const denials =
      unplaced === null
        ? judgeQuote(record, situation, this.#context)
        : judgeQuote(record, situation, this.#context, () => ({ ...unplaced, verdict: 'valid' }));
    const bindings = readQuote(record) === null ? [] : bindingsOfQuote(record, id);
    const values = new Map(bindings.map(({ name, value }) => [name, value]));
    const open = unprovenOf(quote, this.#trust);
    const judged = { denials, values, unproven: unplaced === null ? open : [unplacedQuote, ...open] };
    this.#judged.set(quote, judged);
    return judged;
  }
}

/**
 * The checkpoint that a quote follows, where its log key is retired and only the log could tell whether it lies under the key's
 * final tree head; else null. Such a quote proves nothing, and the verdict says so; it does not deny either. That gives
 * nobody more than leaving the quote out, which is as open, and everything else that is wrong with it still denies. Not so
 * where the quote itself was logged behind the final tree head: by then an honest daemon follows its new key's checkpoints.
 */
function unplacedCheckpointOf(
  { record, index }: ProvenQuote,
  trust: Trust,
  context: VerificationContext,
): UnplacedCheckpoint | null {
  const verdict = placeCheckpoint(record.checkpoint, trust, context);
  return verdict.verdict === 'unplaced' && index < verdict.log.retired.size ? verdict : null;
}

function unprovenOf({ record }: ProvenQuote, { attestation }: Trust): Unproven[] {
  if (attestation === null) return [unproven('attestation-key')];
  const isCompared = record.pcrs.every(({ index }) => attestation.pcrs.some((pcr) => pcr.index === index));
  return [
    ...(isCompared ? [] : [unproven('reference-values')]),
    ...(readQuote(record)?.clock.isSafe === false ? [unproven('tpm-clock')] : []),
  ];
}

/** A binding that the quote does not speak of, or that occurs twice with two values, cannot be what the quote says. */
function differences(environment: readonly Binding[], values: JudgedQuote['values']): Denial[] {
  const differing = environment.filter(
    ({ name, value, source }) => source === 'tpm' && values.get(name) !== value,
  );
  if (differing.length === 0) return [];
  const names = [...new Set(differing.map(({ name }) => name))].sort().join(', ');
  return [mismatch(`the artifact says otherwise than the quote that it cites, in: ${names}`)];
}

function mismatch(message: string): Denial {
  return denial('ENVIRONMENT_MISMATCH', message);
}
