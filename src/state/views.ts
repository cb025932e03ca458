/**
 * What the log says about each artifact: where it is, whether it was redeemed, whether it was revoked. Pure views that
 * a restart rebuilds from the log, entry by entry, through the same `apply`.
 */

import type { ArtifactId } from '../format/artifact-id.js';
import type { EntryKind } from '../format/entry.js';
import type { LogRecord, StartRecord } from '../format/record.js';
import { IdIndex } from './id-index.js';

/** A durable log entry; `record` is its payload where it is one, null for statements. */
export interface ViewedEntry {
  readonly index: number;
  readonly id: ArtifactId;
  readonly kind: EntryKind;
  readonly record: LogRecord | null;
}

export class LogViews {
  readonly #ids = new IdIndex();
  /** Index plus one of the redemption of each artifact, by the artifact's index; zero for none. */
  #redemptions = new Uint32Array(1024);
  readonly #revoked = new Set<number>();
  readonly #unsealed = new Set<number>();
  #policyBundle: string | null = null;
  readonly #keys = new Map<'log' | 'artifact', string>();
  #bootAnchor: StartRecord | null = null;

  /** Follows one entry; entries come in the order of their indexes. */
  apply({ index, id, record }: ViewedEntry): void {
    this.#ids.add(id, index);
    if (record === null) return;
    switch (record.type) {
      case 'urn:writ:redemption:v1':
        this.#noteRedemption(record.artifactIndex, index);
        return;
      case 'urn:writ:revocation:v1':
        this.#revoked.add(record.targetIndex);
        if (record.cause === 'unsealed') this.#unsealed.add(record.targetIndex);
        return;
      case 'urn:writ:policy:v1':
        this.#policyBundle = record.bundle;
        return;
      case 'urn:writ:key:v1':
        this.#keys.set(record.role, record.publicKey);
        return;
      case 'urn:writ:start:v1':
        if (record.clock === 'trusted' && this.#bootAnchor?.boot !== record.boot) this.#bootAnchor = record;
        return;
      case 'urn:writ:stop:v1':
        return;
    }
  }

  /** Entries that may have this id; the log confirms. */
  candidates(id: ArtifactId): readonly number[] {
    return this.#ids.candidates(id);
  }

  /** Log index of the redemption that spent the artifact at `artifactIndex`, or null. */
  redemptionOf(artifactIndex: number): number | null {
    const indexPlusOne = this.#redemptions[artifactIndex] ?? 0;
    return indexPlusOne === 0 ? null : indexPlusOne - 1;
  }

  isRevoked(index: number): boolean {
    return this.#revoked.has(index);
  }

  /** Whether the entry is a grant whose seal missed its deadline: no proof of it is ever served. */
  isUnsealed(index: number): boolean {
    return this.#unsealed.has(index);
  }

  /** A revocation counts from the moment it is decided, before its entry is durable. */
  revokeAtOnce(index: number): void {
    this.#revoked.add(index);
  }

  /** The bundle of the newest policy entry, or null in a log that has none. */
  get policyBundle(): string | null {
    return this.#policyBundle;
  }

  /** Base64 of the newest logged public key of a role, or null. */
  loggedKey(role: 'log' | 'artifact'): string | null {
    return this.#keys.get(role) ?? null;
  }

  /** The first start of the newest boot whose clock was trusted, or null: what the clock is measured against since. */
  get bootAnchor(): StartRecord | null {
    return this.#bootAnchor;
  }

  #noteRedemption(artifactIndex: number, redemptionIndex: number): void {
    if (artifactIndex >= this.#redemptions.length) {
      const grown = new Uint32Array(2 ** Math.ceil(Math.log2(artifactIndex + 1)));
      grown.set(this.#redemptions);
      this.#redemptions = grown;
    }
    this.#redemptions[artifactIndex] = redemptionIndex + 1;
  }
}
