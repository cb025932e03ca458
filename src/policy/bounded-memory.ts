/**
 * What was worked out before, by name, within a budget of bytes: callers choose how large and how many their requests
 * are, and must not choose how much memory the daemon takes. What was used longest ago goes first.
 */

interface Kept<Value> {
  readonly value: Value;
  readonly sizeBytes: number;
}

export class BoundedMemory<Value> {
  readonly #budgetBytes: number;
  readonly #largestBytes: number;
  /** In order of last use. */
  readonly #kept = new Map<string, Kept<Value>>();
  #usedBytes = 0;

  /** One value may take a 1,024th of the budget; larger ones are not kept. */
  constructor(budgetBytes: number) {
    this.#budgetBytes = budgetBytes;
    this.#largestBytes = budgetBytes / 1024;
  }

  get count(): number {
    return this.#kept.size;
  }

  find(name: string): Value | null {
    const kept = this.#kept.get(name);
    if (kept === undefined) return null;
    this.#kept.delete(name);
    this.#kept.set(name, kept);
    return kept.value;
  }

  /** Keeps a value that takes about `sizeBytes`, its name included. */
  keep(name: string, value: Value, sizeBytes: number): void {
    this.#drop(name);
    if (sizeBytes > this.#largestBytes) return;
    while (this.#usedBytes + sizeBytes > this.#budgetBytes) {
      const [oldest] = this.#kept.keys();
      if (oldest === undefined) break;
      this.#drop(oldest);
    }
    this.#kept.set(name, { value, sizeBytes });
    this.#usedBytes += sizeBytes;
  }

  #drop(name: string): void {
    const kept = this.#kept.get(name);
    if (kept === undefined) return;
    this.#kept.delete(name);
    this.#usedBytes -= kept.sizeBytes;
  }
}
