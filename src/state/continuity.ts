/**
 * Whether the log on disk is the newest that there was. A counter in the TPM only ever rises; the log announces each rise
 * before it happens. A log that was taken back to an earlier state announces less than the counter shows.
 */

import type { CounterReading } from '../format/anchor.js';
import type { LoggedAnchor } from './span.js';

/** What the machine has to hold against the log. */
export type CounterWitness =
  | { readonly witness: 'none' }
  /**
   * `erasable`: whoever can take back the log can take back the counter with it, as a snapshot of a virtual machine does.
   */
  | { readonly witness: 'counter'; readonly reading: CounterReading; readonly erasable: boolean };

export type Continuity =
  /**
   * Nothing can have been lost: the log ends with the announcement of what the counter shows, which is sealed and ended a
   * run. Behind any other announcement entries may have followed, which a copy that was made before them does not have; and
   * what is not sealed may be of anybody who can write files.
   */
  | { readonly outcome: 'proven' }
  /** Nothing contradicts the log, but something behind its last anchor may have been lost. `reason`: one clause. */
  | { readonly outcome: 'unproven'; readonly reason: string }
  /** Another log than this one was anchored last, or elsewhere. `reason`: one clause. */
  | {
      readonly outcome: 'disowned';
      readonly announced: LoggedAnchor;
      readonly found: CounterReading | null;
      readonly reason: string;
    };

/** How many entries a log has, and how many of them are sealed. */
export interface LogSize {
  readonly size: number;
  readonly sealedSize: number;
}

/**
 * Compares what the log announces with the counter. A counter that is one behind was announced
 * and not raised any more: whoever goes on raises it first, so that no two logs announce the same value.
 */
export function judgeContinuity(
  announced: LoggedAnchor | null,
  { size, sealedSize }: LogSize,
  witness: CounterWitness,
): Continuity {
  if (announced === null) {
    const reason =
      witness.witness === 'none' ? 'there is no TPM' : 'the log was never anchored in the TPM before';
    return { outcome: 'unproven', reason };
  }
  if (witness.witness === 'none') {
    return disowned(announced, null, 'the log is anchored in a TPM, and none is configured any more');
  }
  const { reading, erasable } = witness;
  if (reading.key !== announced.key || reading.counter !== announced.counter) {
    return disowned(announced, reading, 'the log is anchored in another counter, or in another TPM');
  }
  if (reading.value > announced.value) {
    const reason = `the TPM counted to ${reading.value}, the log only to ${announced.value}: it was taken back to an earlier state`;
    return disowned(announced, reading, reason);
  }
  if (reading.value < announced.value - 1) {
    const reason = `the TPM counted to ${reading.value}, the log to ${announced.value}: the TPM was taken back to an earlier state`;
    return disowned(announced, reading, reason);
  }
  if (erasable) return unproven('the TPM can be taken back together with the log');
  return announced.isLast && announced.index === size - 1 && sealedSize === size
    ? { outcome: 'proven' }
    : unproven('the last run did not end with an anchor');
}

function disowned(announced: LoggedAnchor, found: CounterReading | null, reason: string): Continuity {
  return { outcome: 'disowned', announced, found, reason };
}

function unproven(reason: string): Continuity {
  return { outcome: 'unproven', reason };
}
