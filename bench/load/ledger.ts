/** Requests that have no answer yet, by their number: when their time began, and what they asked. */

/** Far more than are ever unanswered at one time; a power of two. */
const capacity = 2 ** 17;

export class Ledger {
  readonly #startMs = new Float64Array(capacity).fill(Number.NaN);
  readonly #positions = new Float64Array(capacity);
  #next = 0;
  #outstanding = 0;
  #mostOutstanding = 0;

  get outstanding(): number {
    return this.#outstanding;
  }

  /** Since the last call of `resetPeak`. */
  get mostOutstanding(): number {
    return this.#mostOutstanding;
  }

  resetPeak(): void {
    this.#mostOutstanding = this.#outstanding;
  }

  /** Notes a request for the thing at `position` and returns its number. */
  open(startMs: number, position: number): number {
    const number = this.#next++;
    const slot = number & (capacity - 1);
    if (!Number.isNaN(this.#startMs[slot]))
      throw new Error(`request ${number - capacity} was never answered`);
    this.#startMs[slot] = startMs;
    this.#positions[slot] = position;
    this.#outstanding += 1;
    if (this.#outstanding > this.#mostOutstanding) this.#mostOutstanding = this.#outstanding;
    return number;
  }

  /** Position of an unanswered request. */
  position(number: number): number {
    return this.#positions[number & (capacity - 1)] ?? Number.NaN;
  }

  /** Notes its answer. When the request's time began; NaN when nothing with this number is unanswered. */
  close(number: number): number {
    if (!(number >= 0 && number < this.#next && number >= this.#next - capacity)) return Number.NaN;
    const slot = number & (capacity - 1);
    const startMs = this.#startMs[slot] as number;
    if (Number.isNaN(startMs)) return startMs;
    this.#startMs[slot] = Number.NaN;
    this.#outstanding -= 1;
    return startMs;
  }
}
