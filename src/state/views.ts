/**
 * What the log says about each artifact: where it is, whether it was redeemed, whether it was revoked. Views that a
 * restart rebuilds: from the newest snapshot, and from the log behind it, entry by entry, through the same `apply`.
 */

import type { ArtifactId } from '../format/artifact-id.js';
import type { StartRecord } from '../format/daemon-record.js';
import type { EntryKind } from '../format/entry.js';
import type { KeyRecord } from '../format/key-record.js';
import type { AuthorityRecord } from '../format/policy-record.js';
import type { LogRecord } from '../format/record.js';
import { spanEntries } from '../log/journal-positions.js';
import { BitList } from './bit-list.js';
import { IdIndex, rangeEntries, tagOf } from './id-index.js';
import { Revocations } from './revocations.js';
import { RunViews } from './run-views.js';
import {
  type KeyEnd,
  type LoggedAnchor,
  type LoggedPolicy,
  placeOfMark,
  Span,
  type SpanFacts,
} from './span.js';
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
  readonly #store: ViewStore | null;
  readonly #ids: IdIndex;
  readonly #redeemed = new BitList();
  /** The spans that are not in the store, oldest first. */
  readonly #spans = new Map<number, Span>();
  #facts: SpanFacts = {};
  /** As `takeApprovals` gives them; null once they were taken. */
  #approvals: number[] | null = [];
  /** What became of `anchor`, entry by entry: some hundred a day at most. */
  readonly #announcements: { readonly index: number; readonly anchor: LoggedAnchor | null }[] = [];

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
    this.#takeFacts(facts);
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

  /** The events that ended a key (base64), as the log has them. */
  keyEnds(publicKey: string): readonly KeyEnd[] {
    return (this.#facts.keyEnds ?? []).filter((end) => end.publicKey === publicKey);
  }

  /** Whether the entry is a grant whose seal missed its deadline: no proof of it is ever served. */
  isUnsealed(index: number): boolean {
    return this.revocations.isUnsealed(index);
  }

  /** The bundle of the newest activation, or null in a log that has none. */
  get policy(): LoggedPolicy | null {
    return this.#facts.policy ?? null;
  }

  /** What policy authorities said of keys, in the order of the log. */
  get authorityStatements(): readonly AuthorityRecord['statement'][] {
    return this.#facts.authorityStatements ?? [];
  }

  /** Base64 of the newest logged public key of a role, or null. */
  loggedKey(role: 'log' | 'artifact'): string | null {
    return (role === 'log' ? this.#facts.logKey : this.#facts.artifactKey) ?? null;
  }

  /** The first start of the newest boot whose clock was trusted, or null: what the clock is measured against since. */
  get bootAnchor(): StartRecord | null {
    return this.#facts.bootAnchor ?? null;
  }

  /** What the log announces of the TPM's counter, or null where it announces nothing. */
  get anchor(): LoggedAnchor | null {
    return this.#facts.anchor ?? null;
  }

  /**
   * What the first `size` entries announce: with the size of the newest seal, what is certain. Behind it anybody who can write
   * files could have put what they like.
   */
  anchorWithin(size: number): LoggedAnchor | null {
    return this.#announcements.findLast(({ index }) => index < size)?.anchor ?? null;
  }

  /**
   * Whether a grant is void unless it was redeemed: it is of an earlier run, and nothing proves that the log lost no
   * redemption since.
   */
  isVoid(index: number): boolean {
    return index < (this.#facts.voidBefore ?? 0);
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
      case 'urn:writ:policy:v1': {
        const { bundle, version, authority, statement } = record;
        this.#state(span, { policy: { bundle, version, authority, statement } });
        return;
      }
      case 'urn:writ:authority:v1':
        this.#add(span, { authorityStatements: [record.statement] });
        return;
      case 'urn:writ:key:v1':
        this.#applyKey(record, index, span);
        return;
      case 'urn:writ:start:v1':
        if (record.clock === 'trusted' && this.bootAnchor?.boot !== record.boot)
          this.#state(span, { bootAnchor: record });
        if (record.continuity === 'unproven') this.#state(span, { voidBefore: index });
        return;
      case 'urn:writ:anchor:v1':
        this.#announce(span, index, {
          key: record.key,
          counter: record.counter,
          value: record.value,
          index,
          isLast: record.cause === 'stop',
        });
        return;
      case 'urn:writ:recovery:v1':
        this.#announce(span, index, record.found && { ...record.found, index, isLast: false });
        this.#state(span, { voidBefore: index });
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

  #applyKey(record: KeyRecord, index: number, span: Span): void {
    const { event, publicKey } = record;
    switch (event) {
      case 'use':
        this.#state(span, { [record.role === 'log' ? 'logKey' : 'artifactKey']: publicKey });
        return;
      case 'retire':
        this.#endKey(span, { event, publicKey });
        return;
      case 'compromise':
        this.#endKey(span, { event, publicKey, from: record.fromIndex, to: record.toIndex, index });
        return;
    }
  }

  #takeFacts(facts: SpanFacts): void {
    this.#facts = merged(this.#facts, facts);
    // What a snapshot says is under a seal, so where exactly it stands there plays no part.
    if (facts.anchor !== undefined)
      this.#announcements.push({ index: facts.anchor?.index ?? 0, anchor: facts.anchor });
    this.revocations.takeFacts(facts);
  }

  #endKey(span: Span, end: KeyEnd): void {
    this.#add(span, { keyEnds: [end] });
  }

  /** Facts that come on top of earlier ones. */
  #add(span: Span, facts: Pick<SpanFacts, 'keyEnds' | 'authorityStatements'>): void {
    span.facts = merged(span.facts, facts);
    this.#takeFacts(facts);
  }

  #announce(span: Span, index: number, anchor: LoggedAnchor | null): void {
    this.#announcements.push({ index, anchor });
    this.#state(span, { anchor });
  }

  #state(span: Span, facts: SpanFacts): void {
    span.facts = { ...span.facts, ...facts };
    this.#facts = { ...this.#facts, ...facts };
  }
}

/** How many ranges of ids lie whole within the first `spans` spans. */
export function rangesIn(spans: number): number {
  return Math.floor((spans * spanEntries) / rangeEntries);
}

/** What an earlier part of the log states, and a later part over it. */
function merged(earlier: SpanFacts, later: SpanFacts): SpanFacts {
  const stated = Object.entries(later).filter(([, fact]) => fact !== undefined);
  const keyEnds = [...(earlier.keyEnds ?? []), ...(later.keyEnds ?? [])];
  const authorityStatements = [...(earlier.authorityStatements ?? []), ...(later.authorityStatements ?? [])];
  return {
    ...earlier,
    ...Object.fromEntries(stated),
    ...(keyEnds.length === 0 ? {} : { keyEnds }),
    ...(authorityStatements.length === 0 ? {} : { authorityStatements }),
  };
}
