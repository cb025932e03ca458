/**
 * What is revoked, as the log has it and as was decided since: single entries as bits by log index, rules by name, and the
 * ranges that compromised keys sealed. Every question is answered in the same time, however long the log is.
 */

import type { GrantPredicate } from '../format/predicate.js';
import type { RevocationRecord, RevocationRule, RevocationTarget } from '../format/revocation.js';
import { BitList } from './bit-list.js';
import { RevokedRules } from './revoked-rules.js';
import { isUnsealedMark, revocationMark, type Span, type SpanFacts } from './span.js';

/** Entries from the log index `from` up to, and without, `to`. */
export interface IndexRange {
  readonly from: number;
  readonly to: number;
}

export class Revocations {
  readonly #entries = new BitList();
  readonly #unsealed = new BitList();
  readonly #rules = new RevokedRules();
  /** What compromised keys sealed: mostly nothing. */
  #compromised: readonly IndexRange[] = [];

  readonly #onUnsealed: (index: number) => void;

  /** `onUnsealed`: told of each entry that turns out to have missed its seal. */
  constructor(onUnsealed: (index: number) => void = () => undefined) {
    this.#onUnsealed = onUnsealed;
  }

  /** Follows the record at a log index, and notes in its span what a snapshot must hold of it. */
  apply({ target, cause }: RevocationRecord, index: number, span: Span): void {
    this.revokeAtOnce(target);
    if (target.kind !== 'artifact') {
      const revokedRules = [...(span.facts.revokedRules ?? []), { index, rule: target }];
      span.facts = { ...span.facts, revokedRules };
      return;
    }
    const unsealed = cause === 'unsealed';
    if (unsealed) this.#neverSealed(target.index);
    span.revocations.add(target.index, revocationMark(index, unsealed));
  }

  /** Takes over the pairs of a span that the store has. */
  restore(pairs: Uint32Array): void {
    for (let at = 0; at < pairs.length; at += 2) {
      const target = pairs[at] ?? 0;
      this.#entries.add(target);
      if (isUnsealedMark(pairs[at + 1] ?? 0)) this.#neverSealed(target);
    }
  }

  /** Takes over what a part of the log states at large. */
  takeFacts({ revokedRules = [], keyEnds = [] }: SpanFacts): void {
    for (const { rule } of revokedRules) this.#rules.add(rule);
    const compromised = keyEnds.filter((end) => end.event === 'compromise');
    this.#compromised = [...this.#compromised, ...compromised.map(({ from, to }) => ({ from, to }))];
  }

  /** A revocation counts from the moment it is decided, before its entry is durable. */
  revokeAtOnce(target: RevocationTarget): void {
    if (target.kind === 'artifact') this.#entries.add(target.index);
    else this.#rules.add(target);
  }

  /** Whether a revocation ended the entry, or a compromised key sealed it. */
  isRevoked(index: number): boolean {
    return this.#entries.has(index) || this.#compromised.some(({ from, to }) => from <= index && index < to);
  }

  /** Whether the entry is a grant whose seal missed its deadline. */
  isUnsealed(index: number): boolean {
    return this.#unsealed.has(index);
  }

  /** The rule that ends an artifact, or null. Its own revocation and its ancestors' are other questions. */
  ruleEnding(predicate: GrantPredicate): RevocationRule | null {
    return this.#rules.ending(predicate);
  }

  /** Whether whatever this key (base64) signs is revoked. */
  revokesKey(key: string): boolean {
    return this.#rules.has({ kind: 'key', key });
  }

  #neverSealed(index: number): void {
    this.#unsealed.add(index);
    this.#onUnsealed(index);
  }

  /** In the order in which they came. */
  get rules(): readonly RevocationRule[] {
    return this.#rules.all;
  }

  get compromised(): readonly IndexRange[] {
    return this.#compromised;
  }

  /** The entries that were revoked one by one, newest first. */
  entriesNewestFirst(): Iterable<number> {
    return this.#entries.descending();
  }
}
