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
