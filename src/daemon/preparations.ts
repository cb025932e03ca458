/**
 * What was worked out for requests that were allowed, for when the same caller asks the same again. All of it follows
 * from the caller, the request's text, and the digests of what would be executed; where the time is an input of
 * the policy, nothing is kept. A newer quote of the TPM that says the same changes only what the statement cites.
 */

import type { DigestSet } from '../format/digest-set.js';
import { BoundedMemory } from '../policy/bounded-memory.js';
import type { Caller } from './caller.js';
import type { Decision } from './decision.js';
import type { GrantTerms } from './grant-terms.js';

export interface Preparation {
  readonly terms: GrantTerms;
  readonly decision: Extract<Decision, { decision: 'allow' }>;
  /** What was decided beside it: that it may be handed to a key. */
  readonly further: readonly Decision[];
  /** Of the request: what the statement's attribution names. */
  readonly requestDigest: string;
  /** Those of the executable; null where nothing is executed. */
  readonly digests: DigestSet | null;
}

const budgetBytes = 16 << 20;
/** What the objects of a preparation take, about, beside their texts. */
const objectsBytes = 1024;

export class Preparations {
  readonly #kept = new BoundedMemory<Preparation>(budgetBytes);
  /** Callers that are alike share a number. */
  readonly #callers = new WeakMap<object, number>();
  #lastCaller = 0;

  /** What was kept for this caller and request, provided that the executable is the same; else null. */
  find(caller: Caller, request: string, digests: DigestSet | null): Preparation | null {
    const kept = this.#kept.find(this.#key(caller, request));
    if (kept?.digests !== digests) return null;
    const { environment } = caller;
    if (kept.terms.environment === environment) return kept;
    // Kept for a caller that is alike, under an earlier quote: this one cites the newer.
    const renewed = { ...kept, terms: { ...kept.terms, environment } };
    this.keep(caller, request, renewed);
    return renewed;
  }

  keep(caller: Caller, request: string, preparation: Preparation): void {
    // The request's text stands in its name, its scope and its subject.
    const sizeBytes = 6 * request.length + preparation.decision.input.length + objectsBytes;
    this.#kept.keep(this.#key(caller, request), preparation, sizeBytes);
  }

  #key({ likeness }: Caller, request: string): string {
    let number = this.#callers.get(likeness);
    if (number === undefined) {
      number = ++this.#lastCaller;
      this.#callers.set(likeness, number);
    }
    return `${number} ${request}`;
  }
}
