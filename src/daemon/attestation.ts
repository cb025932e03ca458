/**
 * The newest quote of the TPM, in the log: what artifacts cite for whatever the TPM vouches for. One a period while
 * requests come, and one on demand, which covers everything that waited for it.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type { ArtifactId } from '../format/artifact-id.js';
import { base64Encode } from '../format/base64.js';
import { type Denial, denial } from '../format/denial.js';
import { parseNote } from '../format/note.js';
import type { Binding } from '../format/predicate.js';
import { attestedQuoteOf, bindingsOfQuote, type QuoteRecord, qualifyingData } from '../format/quote.js';
import type { AttestedQuote } from '../format/tpm-attest.js';
import type { Attester } from '../tpm/attester.js';
import type { ProvenQuote } from '../verify/quote.js';
import type { SealedPayload, Sealing } from './sealing.js';

export interface AttestationParts {
  readonly attester: Pick<Attester, 'key' | 'quote'>;
  readonly vkey: string;
  /** The note of the newest seal. */
  readonly checkpoint: () => string | null;
  /** The record of a quote made just now. */
  readonly record: (
    content: Pick<QuoteRecord, 'type' | 'checkpoint' | 'key' | 'attest' | 'signature' | 'pcrs'>,
  ) => QuoteRecord;
  readonly seal: (record: QuoteRecord) => Promise<Sealing>;
  /** What is wrong with a quote that was just sealed, given the one before it; empty for a good one. */
  readonly faultsOf: (quote: ProvenQuote, previous: AttestedQuote | null) => readonly Denial[];
  /** Of a clock that never goes back. */
  readonly nowMs: () => number;
  readonly periodMs: number;
  readonly onTrouble: (trouble: Denial | null) => void;
}

export type AttestationOutcome =
  | { readonly outcome: 'attested'; readonly bindings: readonly Binding[] }
  | {
      readonly outcome: 'failed';
      readonly denial: Extract<Sealing, { outcome: 'unsealed' }>['denial'] | Denial<'TPM_UNAVAILABLE'>;
    };

/** The newest quote: its place in the log, and how old it is. */
export interface QuoteStatus {
  readonly id: ArtifactId;
  readonly index: number;
  readonly takenMsAgo: number;
}

interface Taken {
  readonly atMs: number;
  readonly sealed: Pick<SealedPayload, 'id' | 'index'>;
  readonly attested: AttestedQuote;
  readonly bindings: readonly Binding[];
}

const noBindings: readonly Binding[] = [];
/** After so many periods without a new quote, nothing is said in the TPM's name any more. */
export const stalePeriods = 3;
const retryMs = 10_000;
/** Quotes are begun at least this far apart, however many are demanded: each is a log entry, and chips take as long. */
const spacingMs = 200;

export class Attestation {
  readonly #parts: AttestationParts;
  #taken: Taken | null = null;
  #running: Promise<unknown> = Promise.resolve();
  /** The turn that has not begun: everything that waits shares it. */
  #next: Promise<AttestationOutcome> | null = null;
  #retryAtMs = 0;
  #begunAtMs = Number.NEGATIVE_INFINITY;
  #trouble: Denial | null = null;
  #closed = false;

  constructor(parts: AttestationParts) {
    this.#parts = parts;
  }

  /**
   * What the newest quote says, the same list until there is a newer one. To be asked at each request: when the quote's
   * period is over, the next one is made in the background; when it is too old to be believed, the request waits for
   * the next. Nothing while the TPM fails, and nobody waits for one that does.
   */
  bindings(): readonly Binding[] | Promise<readonly Binding[]> {
    const nowMs = this.#parts.nowMs();
    const { periodMs } = this.#parts;
    const ageMs = this.#taken === null ? Number.POSITIVE_INFINITY : nowMs - this.#taken.atMs;
    if (this.#taken !== null && ageMs < periodMs) return this.#taken.bindings;
    if (this.#closed) return noBindings;
    const believed = this.#taken !== null && ageMs < stalePeriods * periodMs ? this.#taken.bindings : null;
    // A TPM that fails is asked again now and then, and holds up nobody meanwhile.
    if (believed !== null || this.#trouble !== null) {
      if (this.#trouble === null || nowMs >= this.#retryAtMs) void this.fresh();
      return believed ?? noBindings;
    }
    return this.fresh().then((outcome) => (outcome.outcome === 'attested' ? outcome.bindings : noBindings));
  }

  get status(): QuoteStatus | null {
    if (this.#taken === null) return null;
    const { sealed, atMs } = this.#taken;
    return { id: sealed.id, index: sealed.index, takenMsAgo: this.#parts.nowMs() - atMs };
  }

  get trouble(): Denial | null {
    return this.#trouble;
  }

  /** A quote that is begun after this call. Never rejects. */
  fresh(): Promise<AttestationOutcome> {
    if (this.#closed) {
      return Promise.resolve(failed(denial('TPM_UNAVAILABLE', 'the daemon is shutting down')));
    }
    if (this.#next !== null) return this.#next;
    const turn = this.#running.then(async () => {
      await this.#spaced();
      this.#next = null;
      const outcome = await this.#take();
      this.#note(outcome.outcome === 'failed' ? outcome.denial : null);
      return outcome;
    });
    this.#next = turn;
    this.#running = turn;
    return turn;
  }

  /** Waits for the quote that is being made; none is made afterwards. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #spaced(): Promise<void> {
    const waitMs = this.#begunAtMs + spacingMs - this.#parts.nowMs();
    if (waitMs > 0) await pause(waitMs);
    this.#begunAtMs = this.#parts.nowMs();
  }

  async #take(): Promise<AttestationOutcome> {
    const { attester, vkey, checkpoint, record, seal, faultsOf, nowMs } = this.#parts;
    const note = checkpoint();
    if (note === null)
      return failed(denial('TPM_UNAVAILABLE', 'no checkpoint is signed yet that a quote could follow'));
    const atMs = nowMs();
    const quoting = await attester.quote(qualifyingData(vkey, parseNote(note).text));
    if (quoting.outcome === 'unavailable') return failed(quoting.denial);
    const { attest, signature, pcrs } = quoting.value;
    const quote = record({
      type: 'urn:writ:quote:v1',
      checkpoint: note,
      key: attester.key.name,
      attest: base64Encode(attest),
      signature: base64Encode(signature),
      pcrs,
    });
    const sealing = await seal(quote);
    if (sealing.outcome === 'unsealed') return failed(sealing.denial);
    const { id, index } = sealing.sealed;
    const [fault] = faultsOf({ id, index, record: quote }, this.#taken?.attested ?? null);
    if (fault !== undefined) {
      // Whatever is wrong with this machine or its TPM, the quote before says nothing about it.
      this.#taken = null;
      return failed(denial('TPM_UNAVAILABLE', fault.message, fault.remedy));
    }
    const bindings = bindingsOfQuote(quote, id);
    this.#taken = { atMs, sealed: { id, index }, attested: attestedQuoteOf(quote), bindings };
    return { outcome: 'attested', bindings };
  }

  #note(trouble: Denial | null): void {
    if (trouble?.message !== this.#trouble?.message) this.#parts.onTrouble(trouble);
    if (trouble !== null) this.#retryAtMs = this.#parts.nowMs() + retryMs;
    this.#trouble = trouble;
  }
}

function failed(reason: Extract<AttestationOutcome, { outcome: 'failed' }>['denial']): AttestationOutcome {
  return { outcome: 'failed', denial: reason };
}
