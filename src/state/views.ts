/**
 * What the log says about each artifact: where it is, whether it was redeemed, whether it was revoked. Views that a
 * restart rebuilds: from the newest snapshot, and from the log behind it, entry by entry, through the same `apply`.
 */

import type { ArtifactId } from '../format/artifact-id.js';
import type { EntryKind } from '../format/entry.js';
import type { LogRecord } from '../format/record.js';
import { spanEntries } from '../log/journal-positions.js';
import { BitList } from './bit-list.js';
import { IdIndex, rangeEntries, tagOf } from './id-index.js';
import { Revocations } from './revocations.js';
import { RunViews } from './run-views.js';
import { placeOfMark, Span, type SpanFacts } from './span.js';
import { StatedFacts } from './stated-facts.js';
import type { LoadedSpan, ViewStore } from './view-store.js';

/** A durable log entry; `record` is its payload where it is one, null for statements. */
export interface ViewedEntry {
  readonly index: number;
  readonly id: ArtifactId;
  readonly kind: EntryKind;
  readonly record: LogRecord | null;
}

export class LogViews {
  /** Governed executions. */
  readonly runs = new RunViews();
  /** A lease whose seal missed its deadline never began: there is nothing to end. */
  readonly revocations = new Revocations((index) => this.runs.end(index));
  /** What the log states at large. */
  readonly stated = new StatedFacts((facts) => this.revocations.takeFacts(facts));
  readonly #store: ViewStore | null;
  readonly #ids: IdIndex;
  readonly #redeemed = new BitList();
  /** The spans that are not in the store, oldest first. */
  readonly #spans = new Map<number, Span>();
  /** As `takeApprovals` gives them; null once they were taken. */
  #approvals: number[] | null = [];

  /** `store`: where older spans are found; null where there is none and everything stays in memory. */
  constructor(store: ViewStore | null = null) {
    this.#store = store;
    this.#ids = new IdIndex(store?.idRuns ?? null);
  }

  /** Follows one entry; entries come in the order of their indexes. */
  apply({ index, id, record }: ViewedEntry): void {
    const span = this.#spanOf(index);
    const tag = tagOf(id);
    this.#ids.add(tag, index);
    span.tags[index % spanEntries] = tag;
    span.count++;
    if (record !== null) this.#applyRecord(record, index, span);
  }

  /** Takes over a span that the store has. Spans come in their order, before any entry behind them. */
  restore({ redemptions, revocations, leases, ends }: LoadedSpan, facts: SpanFacts): void {
    for (let at = 0; at < redemptions.length; at += 2) this.#redeemed.add(redemptions[at] ?? 0);
    for (let at = 0; at < leases.length; at += 2) this.runs.open(leases[at] ?? 0, leases[at + 1] ?? 0);
    for (let at = 0; at < ends.length; at += 2) this.runs.end(ends[at] ?? 0);
    this.#approvals?.push(...(facts.approvals ?? []));
    this.revocations.restore(revocations);
    this.stated.take(facts);
  }

  /** Takes over the ids of a span that is in no run yet. */
  restoreTags(span: number, tags: Uint32Array): void {
    for (const [position, tag] of tags.entries()) this.#ids.add(tag, span * spanEntries + position);
  }

  /** The span, if it is complete and not in the store. */
  completeSpan(number: number): Span | null {
    const span = this.#spans.get(number);
    return span?.count === spanEntries ? span : null;
  }

  /** Lets go of a span that the store has from now on. */
  releaseSpan(number: number): void {
    this.#spans.delete(number);
  }

  /** The sorted ids of a range that is complete. */
  sortedRange(range: number): Promise<Uint32Array> {
    return this.#ids.sortedRange(range);
  }

  /** Lets go of the ids of a range that the store has from now on. */
  releaseRange(range: number): void {
    this.#ids.release(range);
  }

  /** The newest entries that may have this id; the log confirms. */
  recentCandidates(id: ArtifactId): readonly number[] {
    return this.#ids.recent(id);
  }

  /** The entries before those that may have this id; the log confirms. Rejects when they cannot be looked up. */
  olderCandidates(id: ArtifactId): Promise<readonly number[]> {
    return this.#ids.older(id);
  }

  /** Whether a redemption spent the artifact at `artifactIndex`. */
  isRedeemed(artifactIndex: number): boolean {
    return this.#redeemed.has(artifactIndex);
  }

  /** Log index of the redemption that spent the artifact, or null. Rejects when it cannot be looked up. */
  async redemptionOf(artifactIndex: number): Promise<number | null> {
    if (!this.isRedeemed(artifactIndex)) return null;
    for (const span of this.#spans.values()) {
      const receipt = span.redemptions.newest(artifactIndex);
      if (receipt !== null) return receipt;
    }
    return (await this.#store?.findRedemption(artifactIndex)) ?? null;
  }

  /**
   * Log indexes of the entries of one span that revoke something, in their order. Rejects with SnapshotDamageError where its
   * file was damaged.
   */
  async revocationsIn(span: number): Promise<readonly number[]> {
    const inMemory = this.#spans.get(span);
    const marks =
      inMemory === undefined
        ? ((await this.#store?.revocationMarks(span)) ?? [])
        : inMemory.revocations.values;
    const { revokedRules = [], keyEnds = [] } = inMemory?.facts ?? this.#store?.factsOf(span) ?? {};
    const atLarge = [...revokedRules, ...keyEnds.filter((end) => end.event === 'compromise')];
    const single = Array.from(marks, (mark) => span * spanEntries + placeOfMark(mark));
    return [...single, ...atLarge.map(({ index }) => index)].sort((one, other) => one - other);
  }

  /** Whether a revocation ended the entry, or a compromised key sealed it. */
  isRevoked(index: number): boolean {
    return this.revocations.isRevoked(index);
  }

  /** Whether the entry is a grant whose seal missed its deadline: no proof of it is ever served. */
  isUnsealed(index: number): boolean {
    return this.revocations.isUnsealed(index);
  }

  /**
   * Log indexes of the records about requests that wait for approval and about their approvals, and of recoveries, in the order of
   * the log. To be taken once, at a start: nothing is kept for it from then on.
   */
  takeApprovals(): readonly number[] {
    const taken = this.#approvals ?? [];
    this.#approvals = null;
    return taken;
  }

  #followApproval(span: Span, index: number): void {
    span.approvals.push(index);
    this.#approvals?.push(index);
  }

  #spanOf(index: number): Span {
    const number = Math.floor(index / spanEntries);
    const known = this.#spans.get(number);
    if (known !== undefined) return known;
    const span = new Span();
    this.#spans.set(number, span);
    return span;
  }

  #applyRecord(record: LogRecord, index: number, span: Span): void {
    switch (record.type) {
      case 'urn:writ:redemption:v1':
        this.#redeemed.add(record.artifactIndex);
        span.redemptions.add(record.artifactIndex, index);
        return;
      case 'urn:writ:revocation:v1':
        this.revocations.apply(record, index, span);
        return;
      case 'urn:writ:lease:v1':
        if (record.event === 'renew') return;
        this.runs.open(record.redemptionIndex, index);
        span.leases.add(record.redemptionIndex, index);
        return;
      case 'urn:writ:end:v1':
        this.runs.end(record.leaseIndex);
        span.ends.add(record.leaseIndex, index);
        return;
      case 'urn:writ:policy:v1':
      case 'urn:writ:authority:v1':
      case 'urn:writ:key:v1':
      case 'urn:writ:start:v1':
      case 'urn:writ:anchor:v1':
        this.stated.apply(record, index, span);
        return;
      case 'urn:writ:recovery:v1':
        this.stated.apply(record, index, span);
        this.#followApproval(span, index);
        return;
      case 'urn:writ:pending:v1':
      case 'urn:writ:approval:v1':
        this.#followApproval(span, index);
        return;
      case 'urn:writ:decision:v1':
      case 'urn:writ:status:v1':
      case 'urn:writ:stop:v1':
      case 'urn:writ:snapshot:v1':
      case 'urn:writ:quote:v1':
        return;
    }
  }
}

/** How many ranges of ids lie whole within the first `spans` spans. */
export function rangesIn(spans: number): number {
  return Math.floor((spans * spanEntries) / rangeEntries);
}
