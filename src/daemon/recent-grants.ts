/** The grants sealed last: most are redeemed within moments, and need not be read back from the log for that. */

import type { ArtifactId } from '../format/artifact-id.js';
import type { GrantStatement } from '../format/statement-reader.js';

/** Where a sealed grant is in the log, and what it says. */
export interface SealedGrant {
  readonly entry: {
    readonly id: ArtifactId;
    readonly index: number;
    readonly kind: 'authorization' | 'signature';
  };
  readonly statement: GrantStatement;
}

const maxKept = 4096;
/** Grants whose payload is longer are read back; callers choose how long. */
const longestPayloadBytes = 6144;

export class RecentGrants {
  /** By log index, modulo its length. */
  readonly #kept = new Array<SealedGrant | null>(maxKept).fill(null);

  /** The grant with this id, if it is kept and lies at one of these indexes. */
  find(id: ArtifactId, indexes: readonly number[]): SealedGrant | null {
    for (const index of indexes) {
      const grant = this.#kept[index % maxKept] ?? null;
      if (grant?.entry.id === id) return grant;
    }
    return null;
  }

  /** Keeps a grant; call it only once the grant is sealed. */
  keep(grant: SealedGrant, payloadBytes: number): void {
    if (payloadBytes > longestPayloadBytes) return;
    this.#kept[grant.entry.index % maxKept] = grant;
  }
}
