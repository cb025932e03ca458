/**
 * What the log states at large, and not of one artifact: the policy in force, keys and authorities, when the clock was trusted,
 * and what is announced of the TPM's counter. Of most facts the newest counts; the others come on top of each other.
 */

import type { AnchorRecord, RecoveryRecord } from '../format/anchor.js';
import type { StartRecord } from '../format/daemon-record.js';
import type { KeyRecord } from '../format/key-record.js';
import type { AuthorityRecord, PolicyActivationRecord } from '../format/policy-record.js';
import type { KeyEnd, LoggedAnchor, LoggedPolicy, Span, SpanFacts } from './span.js';

/** The records that state such facts. */
export type StatingRecord =
  | PolicyActivationRecord
  | AuthorityRecord
  | KeyRecord
  | StartRecord
  | AnchorRecord
  | RecoveryRecord;

export class StatedFacts {
  readonly #onFacts: (facts: SpanFacts) => void;
  #facts: SpanFacts = {};
  /** What became of `anchor`, entry by entry: some hundred a day at most. */
  readonly #announcements: { readonly index: number; readonly anchor: LoggedAnchor | null }[] = [];

  /** `onFacts` is told of facts that a span holds, and of those that come on top of earlier ones. */
  constructor(onFacts: (facts: SpanFacts) => void) {
    this.#onFacts = onFacts;
  }

  /** Follows the record at a log index, and notes in its span what a snapshot must hold of it. */
  apply(record: StatingRecord, index: number, span: Span): void {
    switch (record.type) {
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
        return;
    }
  }

  /** Takes over the facts of a span that the store has. */
  take(facts: SpanFacts): void {
    this.#facts = merged(this.#facts, facts);
    // What a snapshot says is under a seal, so where exactly it stands there plays no part.
    if (facts.anchor !== undefined)
      this.#announcements.push({ index: facts.anchor?.index ?? 0, anchor: facts.anchor });
    this.#onFacts(facts);
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

  /** The events that ended a key (base64), as the log has them. */
  keyEnds(publicKey: string): readonly KeyEnd[] {
    return (this.#facts.keyEnds ?? []).filter((end) => end.publicKey === publicKey);
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

  #endKey(span: Span, end: KeyEnd): void {
    this.#add(span, { keyEnds: [end] });
  }

  /** Facts that come on top of earlier ones. */
  #add(span: Span, facts: Pick<SpanFacts, 'keyEnds' | 'authorityStatements'>): void {
    span.facts = merged(span.facts, facts);
    this.take(facts);
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
