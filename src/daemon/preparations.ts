/**
 * What was worked out for requests that were allowed, for when the same caller asks the same again. All of it follows
 * from the caller, the request's text, and the digests of what would be executed; where the time is an input of
 * the policy, nothing is kept.
 */

import type { DigestSet } from '../format/digest-set.js';
import { BoundedMemory } from '../policy/bounded-memory.js';
import type { Caller } from './caller.js';
import type { Decision } from './decision.js';
import type { GrantTerms } from './grant-terms.js';

export interface Preparation {
  readonly terms: GrantTerms;
  readonly decision: Extract<Decision, { decision: 'allow' }>;
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
  /** A caller is one object as long as nothing of it changes; each gets a number of its own. */
  readonly #callers = new WeakMap<Caller, number>();
  #lastCaller = 0;

  /** What was kept for this caller and request, provided that the executable is the same; else null. */
  find(caller: Caller, request: string, digests: DigestSet | null): Preparation | null {
    const kept = this.#kept.find(this.#key(caller, request));
    return kept?.digests === digests ? kept : null;
  }

  keep(caller: Caller, request: string, preparation: Preparation): void {
    // The request's text stands in its name, its scope and its subject.
    const sizeBytes = 6 * request.length + preparation.decision.input.length + objectsBytes;
    this.#kept.keep(this.#key(caller, request), preparation, sizeBytes);
  }

  #key(caller: Caller, request: string): string {
    let number = this.#callers.get(caller);
    if (number === undefined) {
      number = ++this.#lastCaller;
      this.#callers.set(caller, number);
    }
    return `${number} ${request}`;
  }
}
