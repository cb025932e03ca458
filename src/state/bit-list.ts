/** One bit for each log index: eight kilobytes for 65,536 entries, and nothing where no bit is set. */

const chunkBits = 65_536;

export class BitList {
  readonly #chunks = new Map<number, Uint8Array>();

  has(index: number): boolean {
    const chunk = this.#chunks.get(Math.floor(index / chunkBits));
    if (chunk === undefined) return false;
    const bit = index % chunkBits;
    return ((chunk[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0;
  }

  /** The bits that are set, highest first, as of this moment. */
  *descending(): Generator<number> {
    for (const number of [...this.#chunks.keys()].sort((one, other) => other - one)) {
      const chunk = this.#chunks.get(number) ?? new Uint8Array();
      for (let byte = chunk.length - 1; byte >= 0; byte--) {
        const bits = chunk[byte] ?? 0;
        for (let bit = 7; bits !== 0 && bit >= 0; bit--)
          if ((bits & (1 << bit)) !== 0) yield number * chunkBits + 8 * byte + bit;
      }
    }
  }

  add(index: number): void {
    const number = Math.floor(index / chunkBits);
    let chunk = this.#chunks.get(number);
    if (chunk === undefined) {
      chunk = new Uint8Array(chunkBits / 8);
      this.#chunks.set(number, chunk);
    }
    const bit = index % chunkBits;
    chunk[bit >> 3] = (chunk[bit >> 3] ?? 0) | (1 << (bit & 7));
  }
}
