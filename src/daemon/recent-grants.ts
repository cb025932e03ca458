/** The grants sealed last: most are redeemed within moments, and need not be read back from the log for that. */

import type { ArtifactId } from '../format/artifact-id.js';
import type { GrantPredicate } from '../format/predicate.js';
import type { Statement } from '../format/statement.js';

export type GrantStatement = Extract<Statement, { predicate: GrantPredicate }>;

/** Where a sealed grant is in the log, and what it says. */
export interface SealedGrant {
  readonly entry: {
    readonly id: ArtifactId;
    readonly index: number;
    readonly kind: 'authorization' | 'signature';
  };
  readonly statement: GrantStatement;
}

const maxKept = 8192;

export class RecentGrants {
  readonly #kept = new Map<ArtifactId, SealedGrant>();

  find(id: ArtifactId): SealedGrant | null {
    return this.#kept.get(id) ?? null;
  }

  /** Keeps a grant; call it only once the grant is sealed. */
  keep(grant: SealedGrant): void {
    if (this.#kept.size >= maxKept) {
      const [oldest] = this.#kept.keys();
      if (oldest !== undefined) this.#kept.delete(oldest);
    }
    this.#kept.set(grant.entry.id, grant);
  }
}
