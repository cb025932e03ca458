/**
 * Replays a measured boot: what the PCRs of the SHA-256 bank must hold if the event log is the truth, and where they hold
 * something else, which event can explain it.
 */

import { sha256 } from '../hash/sha256.js';
import { concatBytes } from './bytes.js';
import { type EventLog, type MeasuredEvent, parseEventLog } from './event-log.js';
import { hexDecode, hexEncode } from './hex.js';
import type { PcrValue } from './quote.js';

export interface ReplayedLog extends EventLog {
  /** The values after the last event, of the PCRs that the log extends, by rising index. */
  readonly pcrs: readonly PcrValue[];
}

/** Reads and replays. Throws SyntaxError as `parseEventLog` does. */
export function replayEventLog(bytes: Uint8Array): ReplayedLog {
  const log = parseEventLog(bytes);
  const extended = [...new Set(log.events.filter(({ digest }) => digest !== null).map(({ pcr }) => pcr))];
  const pcrs = extended
    .sort((left, right) => left - right)
    .map((index) => ({ index, value: hexEncode(replayPcr(log, index, extensionsOf(log, index))) }));
  return { ...log, pcrs };
}

/**
 * Why a PCR holds another value than the log ends at. `event` is the number of the event that explains it:
 * `ends-before`: the PCR holds what it held before this event, so neither it nor those after it were measured;
 * `not-measured`: without this one event the log ends at the PCR's value;
 * `out-of-order`: this event was measured after the next one of its PCR;
 * `other-digest`: the PCR was extended with the digest of this event's data, not with the digest in the log;
 * `unexplained`: something was measured that the log does not hold.
 */
export type Difference =
  | {
      readonly why: 'ends-before' | 'not-measured' | 'out-of-order' | 'other-digest';
      readonly event: number;
    }
  | { readonly why: 'unexplained' };

export type PcrComparison =
  | { readonly index: number; readonly outcome: 'same'; readonly value: string }
  | {
      readonly index: number;
      readonly outcome: 'different';
      readonly replayed: string;
      readonly quoted: string;
      readonly difference: Difference;
    };

/** Compares each quoted PCR with the end of the log; a PCR that the log never extends must be as the TPM's start left it. */
export function compareWithQuote(log: EventLog, quoted: readonly PcrValue[]): readonly PcrComparison[] {
  return quoted.map(({ index, value }) => {
    const events = extensionsOf(log, index);
    const replayed = hexEncode(replayPcr(log, index, events));
    return replayed === value
      ? { index, outcome: 'same', value }
      : {
          index,
          outcome: 'different',
          replayed,
          quoted: value,
          difference: explain(log, index, events, value),
        };
  });
}

/** Events of one PCR that two logs do not have in common: those between their common beginning and their common end. */
export interface ChangedEvents {
  readonly pcr: number;
  readonly before: readonly MeasuredEvent[];
  readonly now: readonly MeasuredEvent[];
}

/** What is measured otherwise than it was, PCR by PCR: only PCRs in which something changed, by rising index. */
export function compareEventLogs(before: EventLog, now: EventLog): readonly ChangedEvents[] {
  const all = Array.from({ length: 24 }, (_, pcr) => pcr);
  return all.flatMap((pcr) => {
    const changed = withoutCommonEnds(extensionsOf(before, pcr), extensionsOf(now, pcr));
    return changed.before.length + changed.now.length === 0 ? [] : [{ pcr, ...changed }];
  });
}

function withoutCommonEnds(before: readonly MeasuredEvent[], now: readonly MeasuredEvent[]) {
  const shorter = Math.min(before.length, now.length);
  const isSame = (left: MeasuredEvent | undefined, right: MeasuredEvent | undefined) =>
    left?.type === right?.type && left?.digest === right?.digest;
  let start = 0;
  while (start < shorter && isSame(before[start], now[start])) start++;
  let end = 0;
  while (end < shorter - start && isSame(before.at(-1 - end), now.at(-1 - end))) end++;
  return { before: before.slice(start, before.length - end), now: now.slice(start, now.length - end) };
}

/** Beyond so many events of one PCR the search for an explanation, whose cost grows with their square, is not begun. */
const maxExplained = 512;

function explain(log: EventLog, pcr: number, events: readonly MeasuredEvent[], quoted: string): Difference {
  if (events.length > maxExplained) return { why: 'unexplained' };
  const endsAtQuoted = (candidate: readonly MeasuredEvent[]) =>
    hexEncode(replayPcr(log, pcr, candidate)) === quoted;
  for (const [at, { number }] of events.entries())
    if (endsAtQuoted(events.slice(0, at))) return { why: 'ends-before', event: number };
  for (const [at, { number }] of events.entries())
    if (endsAtQuoted(events.toSpliced(at, 1))) return { why: 'not-measured', event: number };
  for (const [at, event] of events.entries()) {
    const next = events[at + 1];
    if (next !== undefined && endsAtQuoted(events.toSpliced(at, 2, next, event)))
      return { why: 'out-of-order', event: event.number };
    const digest = hexEncode(sha256(event.data));
    if (event.isDigestOfData === false && endsAtQuoted(events.with(at, { ...event, digest })))
      return { why: 'other-digest', event: event.number };
  }
  return { why: 'unexplained' };
}

function extensionsOf({ events }: EventLog, pcr: number): readonly MeasuredEvent[] {
  return events.filter((event) => event.pcr === pcr && event.digest !== null);
}

function replayPcr(log: EventLog, pcr: number, events: readonly MeasuredEvent[]): Uint8Array {
  return events.reduce(
    (value, { digest }) => (digest === null ? value : sha256(concatBytes(value, hexDecode(digest)))),
    initialValue(log, pcr, events.length > 0),
  );
}

/**
 * What a PCR holds before the first event (profile, section 3.3): zeros; in PCR 0 the startup locality; and ones in those of
 * the dynamic launch as long as there was none, whose first event therefore begins at zeros.
 */
function initialValue({ startupLocality }: EventLog, pcr: number, isExtended: boolean): Uint8Array {
  const value = new Uint8Array(32);
  if (pcr === 0) value[31] = startupLocality;
  if (pcr >= 17 && pcr <= 22 && !isExtended) value.fill(0xff);
  return value;
}
