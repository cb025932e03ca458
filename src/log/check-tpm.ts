/**
 * Follows what TPMs said through a whole log, as any auditor can: each quote holds in itself and was made behind the one
 * before it, so a quote that was logged again is found; the values of each counter only ever rise.
 */

import type { AnchorRecord } from '../format/anchor.js';
import { equalBytes } from '../format/bytes.js';
import { denial } from '../format/denial.js';
import type { EntryKind } from '../format/entry.js';
import type { QuoteRecord } from '../format/quote.js';
import { decodeRecord } from '../format/record.js';
import type { AttestedQuote } from '../format/tpm-attest.js';
import type { Trust } from '../format/trust.js';
import { type CheckpointVerdict, verifyCheckpoint } from '../verify/checkpoint.js';
import { VerificationContext } from '../verify/context.js';
import { attestationKeyOf, quoteIntegrityFaults, readQuote } from '../verify/quote.js';
import { clockFault } from '../verify/tpm-clock.js';

/** `unknownKeys`: quotes among them by keys that the trust bundle does not name, so that nobody checked who signed them. */
export interface TpmTrailCounts {
  readonly quotes: number;
  readonly unknownKeys: number;
  readonly anchors: number;
}

interface Seen {
  readonly index: number;
  readonly attest: string;
  readonly attested: AttestedQuote;
}

/** Must be shown every entry, in order. */
export class TpmTrail {
  readonly #trust: Trust;
  readonly #rootAt: (size: number) => Uint8Array;
  readonly #context = new VerificationContext();
  /** By the name of the attestation key. */
  readonly #quotes = new Map<string, Seen>();
  /** The newest value, by attestation key and counter. */
  readonly #anchors = new Map<string, number>();
  #counts: TpmTrailCounts = { quotes: 0, unknownKeys: 0, anchors: 0 };

  /** @param rootAt root of the log's first entries, as recomputed from its leaves */
  constructor(trust: Trust, rootAt: (size: number) => Uint8Array) {
    // A retired key may have signed any head of this very log, and every head is compared with the recomputed tree.
    this.#trust = { ...trust, logs: trust.logs.map((log) => ({ ...log, retired: null })) };
    this.#rootAt = rootAt;
  }

  get counts(): TpmTrailCounts {
    return this.#counts;
  }

  /** What is wrong with an entry, or null. `payload` must be the one that the entry's leaf digests. */
  follow(kind: EntryKind, payload: Uint8Array, index: number): string | null {
    if (kind !== 'quote' && kind !== 'anchor' && kind !== 'recovery') return null;
    let record: ReturnType<typeof decodeRecord>;
    try {
      record = decodeRecord(payload);
    } catch (cause) {
      return `it is no ${kind}: ${(cause as Error).message}`;
    }
    switch (record.type) {
      case 'urn:writ:quote:v1':
        return this.#followQuote(record, index);
      case 'urn:writ:anchor:v1':
        return this.#followAnchor(record);
      case 'urn:writ:recovery:v1':
        // Somebody went on with another TPM, or with one that was set back, and says so.
        this.#anchors.clear();
        return null;
      default:
        return `it is logged as ${kind}, and is something else`;
    }
  }

  #followQuote(record: QuoteRecord, index: number): string | null {
    const [fault] = quoteIntegrityFaults(record, index, this.#trust, this.#context, (note) =>
      this.#judgeCheckpoint(note, index),
    );
    if (fault !== undefined) return `the quote does not hold: ${fault}`;
    const attested = readQuote(record);
    if (attested === null) throw new Error('a quote that holds can be read');
    const { attestation } = this.#trust;
    const isKnown = attestation !== null && attestationKeyOf(record, attestation) !== null;
    this.#counts = {
      ...this.#counts,
      quotes: this.#counts.quotes + 1,
      unknownKeys: this.#counts.unknownKeys + (isKnown ? 0 : 1),
    };
    const before = this.#quotes.get(record.key);
    this.#quotes.set(record.key, { index, attest: record.attest, attested });
    if (before === undefined) return null;
    if (before.attest === record.attest) return `its quote was logged before, as entry ${before.index}`;
    const step = clockFault(before.attested.clock, attested.clock);
    return step === null ? null : `its quote was made before that of entry ${before.index}: ${step}`;
  }

  /** A checkpoint that a quote follows must be a head of this very tree; that it lies before the quote is judged elsewhere. */
  #judgeCheckpoint(note: string, index: number): CheckpointVerdict {
    const verdict = verifyCheckpoint(note, this.#trust, this.#context);
    if (verdict.verdict === 'denied') return verdict;
    const { size, root } = verdict.checkpoint;
    return size > index || equalBytes(this.#rootAt(size), root)
      ? verdict
      : {
          verdict: 'denied',
          denial: denial('BAD_SIGNATURE', `a checkpoint over ${size} entries of another tree`),
        };
  }

  #followAnchor({ key, counter, value }: AnchorRecord): string | null {
    this.#counts = { ...this.#counts, anchors: this.#counts.anchors + 1 };
    // Counters of two TPMs may have one name; their attestation keys have not.
    const place = `${key} ${counter}`;
    const before = this.#anchors.get(place);
    this.#anchors.set(place, value);
    return before === undefined || value > before
      ? null
      : `it announces ${value} for a counter that was announced at ${before} before`;
  }
}
