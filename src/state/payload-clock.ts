/**
 * The time that payloads carry. It never decreases, and it is believed only while the wall clock agrees with what was
 * logged before and with CLOCK_BOOTTIME, which no administrator can set. A time that is refused changes nothing.
 */

import { type Denial, denial } from '../format/denial.js';
import { formatInstant } from '../format/time.js';

/** Wall clock (Unix epoch) and CLOCK_BOOTTIME, read together. */
export interface ClockReading {
  readonly wallMs: number;
  readonly bootTimeMs: number;
}

export type PayloadTime =
  | { readonly outcome: 'trusted'; readonly timeMs: number }
  | { readonly outcome: 'untrusted'; readonly denial: Denial<'CLOCK_UNTRUSTED'> };

/** A wall clock this little behind the last logged time is jitter: that time is used again. */
const jitterMs = 1000;
/** How far the wall clock may run ahead of CLOCK_BOOTTIME: a fixed part, and drift in parts of the time passed. */
const aheadMs = 5000;
const drift = 0.001;

export class PayloadClock {
  readonly #read: () => ClockReading;
  readonly #anchor: ClockReading;
  #floorMs: number;

  /**
   * `floorMs`: the last logged time, or 0. `anchor`: the first reading that was believed since this machine booted,
   * so that a restart of the daemon is no way around it.
   */
  constructor(read: () => ClockReading, floorMs: number, anchor: ClockReading) {
    this.#read = read;
    this.#floorMs = floorMs;
    this.#anchor = anchor;
  }

  /** The time for the next payload. CLOCK_UNTRUSTED when the wall clock went backward or ran ahead. */
  now(): PayloadTime {
    const { wallMs, bootTimeMs } = this.#read();
    if (wallMs < this.#floorMs - jitterMs) {
      return untrusted(
        `the clock says ${formatInstant(wallMs)}, but the log already reached ${formatInstant(this.#floorMs)}`,
      );
    }
    const passedMs = bootTimeMs - this.#anchor.bootTimeMs;
    const latestMs = this.#anchor.wallMs + passedMs * (1 + drift) + aheadMs;
    if (wallMs > latestMs) {
      return untrusted(`the clock says ${formatInstant(wallMs)}, later than the time since boot allows`);
    }
    this.#floorMs = Math.max(this.#floorMs, wallMs);
    return { outcome: 'trusted', timeMs: this.#floorMs };
  }

  /** The current time where it can be believed, else the last that was: for evidence of refusals and for revocations. */
  lastTrustedMs(): number {
    const time = this.now();
    return time.outcome === 'trusted' ? time.timeMs : this.#floorMs;
  }
}

function untrusted(message: string): PayloadTime {
  return { outcome: 'untrusted', denial: denial('CLOCK_UNTRUSTED', message) };
}
