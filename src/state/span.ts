/**
 * What one span of the log (65,536 entries) adds to the views. A span that is complete never changes, and is the same
 * whenever it is made from the same log; this is its form on disk (32-bit numbers in the machine's order):
 *
 *   changes = journal anchors, redemptions (artifact, receipt), revocations (target, 2 * its own place in the span, and 1
 *             more if the target was never sealed), leases that were opened (redemption, lease), ends (lease, end record)
 *   tags    = the tag of each entry's id, in the order of the log
 *
 * All but the anchors are sorted by their first number.
 */

import type { CounterReading } from '../format/anchor.js';
import type { StartRecord } from '../format/daemon-record.js';
import type { AuthorityRecord, PolicyActivationRecord } from '../format/policy-record.js';
import { positionStride, spanEntries } from '../log/journal-positions.js';
import type { LoggedRule } from './revoked-rules.js';
import { sortInSlices } from './sliced-sort.js';

/** The newest of each kind of fact that a span's records state; absent where they state none. */
export interface SpanFacts {
  readonly policy?: LoggedPolicy | undefined;
  /** What policy authorities said of keys here; that of later spans comes on top. */
  readonly authorityStatements?: readonly AuthorityRecord['statement'][] | undefined;
  readonly logKey?: string | undefined;
  readonly artifactKey?: string | undefined;
  readonly bootAnchor?: StartRecord | undefined;
  /** The keys that ended here; those of later spans come on top. */
  readonly keyEnds?: readonly KeyEnd[] | undefined;
  /** The rules by which artifacts are revoked from here on; those of later spans come on top. */
  readonly revokedRules?: readonly LoggedRule[] | undefined;
  /** What the TPM's counter is to show; null after a recovery without a TPM. */
  readonly anchor?: LoggedAnchor | null | undefined;
  /** Log indexes of the records about approvals, and of recoveries; those of later spans come on top. */
  readonly approvals?: readonly number[] | undefined;
  /** Grants before this log index that were not redeemed are void. */
  readonly voidBefore?: number | undefined;
}

/** The policy bundle that the newest activation put in force. */
export type LoggedPolicy = Pick<PolicyActivationRecord, 'bundle' | 'version' | 'authority' | 'statement'>;

/** A key that signs no more, or that was somebody else's too while the entries from `from` up to, without, `to` were sealed. */
export type KeyEnd =
  | { readonly event: 'retire'; readonly publicKey: string }
  | {
      readonly event: 'compromise';
      readonly publicKey: string;
      readonly from: number;
      readonly to: number;
      /** Of the entry that says so. */
      readonly index: number;
    };

/** The newest reading of the TPM's counter that the log announces, and the index of the entry that does. */
export interface LoggedAnchor extends CounterReading {
  readonly index: number;
  /** Whether a run ended with it: behind any other anchor the run may have gone on. */
  readonly isLast: boolean;
}

export const anchorsPerSpan = spanEntries / positionStride;
export const tagsBytes = 4 * spanEntries;

/** Where in its span a revocation stands, and whether its target was never sealed, in one number. */
export function revocationMark(index: number, unsealed: boolean): number {
  return 2 * (index % spanEntries) + (unsealed ? 1 : 0);
}

export function isUnsealedMark(mark: number): boolean {
  return mark % 2 === 1;
}

/** The place in its span. */
export function placeOfMark(mark: number): number {
  return Math.floor(mark / 2);
}

/** Numbers in pairs, in the order in which the log has them. */
export class PairList {
  readonly #keys: number[] = [];
  readonly #values: number[] = [];

  add(key: number, value: number): void {
    this.#keys.push(key);
    this.#values.push(value);
  }

  /** The value of the newest pair with this key, or null. */
  newest(key: number): number | null {
    return this.#values[this.#keys.lastIndexOf(key)] ?? null;
  }

  get values(): readonly number[] {
    return this.#values;
  }

  /** Key, value, key, value, ... by ascending keys; equal keys in the order of the log. */
  async sorted(): Promise<Uint32Array> {
    // With its place beside it, each sorted key finds its value again; a span has no more places than that.
    const keys = new Float64Array(this.#keys.length);
    for (const [place, key] of this.#keys.entries()) keys[place] = key * spanEntries + place;
    const sorted = await sortInSlices(keys);
    const pairs = new Uint32Array(2 * keys.length);
    for (const [at, key] of sorted.entries()) {
      pairs[2 * at] = Math.floor(key / spanEntries);
      pairs[2 * at + 1] = this.#values[key % spanEntries] ?? 0;
    }
    return pairs;
  }
}

/** A span that is still in memory. */
export class Span {
  readonly tags = new Uint32Array(spanEntries);
  /** Artifact and receipt. */
  readonly redemptions = new PairList();
  /** Of single entries: target, and the mark of its revocation. */
  readonly revocations = new PairList();
  /** Redemption and lease. */
  readonly leases = new PairList();
  /** Lease and end record. */
  readonly ends = new PairList();
  /** Log indexes of the records about approvals, and of recoveries. */
  readonly approvals: number[] = [];
  facts: SpanFacts = {};
  /** Entries so far. */
  count = 0;
}
