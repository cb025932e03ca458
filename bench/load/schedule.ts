/** When the requests of an open loop are due: evenly, whatever became of earlier ones. Pure. */

export class OpenSchedule {
  readonly #startMs: number;
  readonly #intervalMs: number;
  readonly #count: number;
  #next = 0;

  /** `ratePerSecond` arrivals a second for `durationMs`, the first one at `startMs`. */
  constructor(startMs: number, ratePerSecond: number, durationMs: number) {
    if (!(ratePerSecond > 0) || !(durationMs >= 0)) throw new RangeError('no schedule');
    this.#startMs = startMs;
    this.#intervalMs = 1000 / ratePerSecond;
    this.#count = Math.ceil((durationMs * ratePerSecond) / 1000);
  }

  /** How many arrivals there are in all. */
  get count(): number {
    return this.#count;
  }

  /** How many were taken. */
  get taken(): number {
    return this.#next;
  }

  get done(): boolean {
    return this.#next >= this.#count;
  }

  /** When the next one is due; Infinity when there is none. */
  get nextMs(): number {
    return this.done ? Number.POSITIVE_INFINITY : this.#startMs + this.#next * this.#intervalMs;
  }

  /** Takes the next one if it is due, and returns when it was; else null. Late takers get the scheduled time, not theirs. */
  take(nowMs: number): number | null {
    const dueMs = this.nextMs;
    if (this.done || dueMs > nowMs) return null;
    this.#next += 1;
    return dueMs;
  }
}
