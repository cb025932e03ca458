/**
 * How often an NV counter may still be written. Its cells wear: poor chips are good for some 100,000 writes. Writes are
 * saved up as time passes, up to a few hours' worth, so that a burst of events is possible and lasting haste is not.
 */

const dayMs = 86_400_000;
/** Share of a day's writes that can be saved up. */
const savedShare = 1 / 6;

export class WearBudget {
  readonly #perMs: number;
  readonly #capacity: number;
  #saved: number;
  #atMs: number;

  /** `perDay`: writes that are allowed a day in the long run; `nowMs`: of a clock that never goes back. */
  constructor(perDay: number, nowMs: number) {
    this.#perMs = perDay / dayMs;
    this.#capacity = Math.max(4, perDay * savedShare);
    this.#saved = this.#capacity;
    this.#atMs = nowMs;
  }

  /** Writes that are possible now. */
  left(nowMs: number): number {
    this.#earn(nowMs);
    return Math.max(0, Math.floor(this.#saved));
  }

  /** Takes one write; false when no more than `kept` are left, which others need. */
  spend(nowMs: number, kept = 0): boolean {
    if (this.left(nowMs) <= kept) return false;
    this.#saved -= 1;
    return true;
  }

  /** Takes one write that cannot be put off, as at the start and the end of a run: later ones pay for it. */
  overspend(nowMs: number): void {
    this.#earn(nowMs);
    this.#saved -= 1;
  }

  /** How long until a write is possible, 0 when one is. */
  waitMs(nowMs: number): number {
    this.#earn(nowMs);
    return this.#saved >= 1 ? 0 : Math.ceil((1 - this.#saved) / this.#perMs);
  }

  #earn(nowMs: number): void {
    this.#saved = Math.min(this.#capacity, this.#saved + Math.max(0, nowMs - this.#atMs) * this.#perMs);
    this.#atMs = Math.max(this.#atMs, nowMs);
  }
}
