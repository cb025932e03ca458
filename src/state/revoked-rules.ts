/** The rules by which artifacts are revoked, found by name: what the log has, and what was decided and is not logged yet. */

import type { GrantPredicate } from '../format/predicate.js';
import { namesOfArtifact, namesOfRule, type RevocationRule } from '../format/revocation.js';

/** A rule that the log has, and the index of its entry. */
export interface LoggedRule {
  readonly index: number;
  readonly rule: RevocationRule;
}

export class RevokedRules {
  readonly #byName = new Map<string, RevocationRule>();
  readonly #rules = new Map<string, RevocationRule>();

  /** Once there, a rule stays: a second one that says the same changes nothing. */
  add(rule: RevocationRule): void {
    const names = namesOfRule(rule);
    this.#rules.set(names[0] ?? '', rule);
    for (const name of names) if (!this.#byName.has(name)) this.#byName.set(name, rule);
  }

  /** A rule that ends the artifact, or null. Costs the same however many rules there are. */
  ending(predicate: GrantPredicate): RevocationRule | null {
    if (this.#byName.size === 0) return null;
    for (const name of namesOfArtifact(predicate)) {
      const rule = this.#byName.get(name);
      if (rule !== undefined) return rule;
    }
    return null;
  }

  /** Whether this very rule is there. */
  has(rule: RevocationRule): boolean {
    return this.#rules.has(namesOfRule(rule)[0] ?? '');
  }

  /** All of them, in the order in which they came. */
  get all(): readonly RevocationRule[] {
    return [...this.#rules.values()];
  }
}
