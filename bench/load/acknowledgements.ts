/** What the daemon acknowledged: id, log index and request of each grant, in flat memory. */

/** Hex digits of an artifact id. */
export const idTextBytes = 128;

const chunkEntries = 16_384;
/** Id, log index, letter and number of the request. */
const idsAt = { letter: idTextBytes, number: idTextBytes + 4, index: idTextBytes + 8 };
/** What one acknowledgement takes, in memory and in a file. */
export const recordBytes = idTextBytes + 16;

export class Acknowledgements {
  readonly #chunks: Buffer[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Takes the id's hex digits from `source`. `letter` and `number` name the request that it answers. */
  add(source: Uint8Array, offset: number, index: number, letter: number, number: number): void {
    const at = this.#count % chunkEntries;
    if (at === 0) this.#chunks.push(Buffer.allocUnsafeSlow(chunkEntries * recordBytes));
    const chunk = this.#chunks[this.#chunks.length - 1] as Buffer;
    const start = at * recordBytes;
    chunk.set(source.subarray(offset, offset + idTextBytes), start);
    chunk.writeUInt32LE(letter, start + idsAt.letter);
    chunk.writeUInt32LE(number, start + idsAt.number);
    chunk.writeDoubleLE(index, start + idsAt.index);
    this.#count += 1;
  }

  copyId(position: number, target: Buffer, offset: number): void {
    const start = (position % chunkEntries) * recordBytes;
    this.#chunk(position).copy(target, offset, start, start + idTextBytes);
  }

  letter(position: number): number {
    return this.#chunk(position).readUInt32LE((position % chunkEntries) * recordBytes + idsAt.letter);
  }

  number(position: number): number {
    return this.#chunk(position).readUInt32LE((position % chunkEntries) * recordBytes + idsAt.number);
  }

  /** The records in their order, for a file. */
  *bytes(): Generator<Buffer> {
    for (const [number, chunk] of this.#chunks.entries()) {
      const entries = Math.min(chunkEntries, this.#count - number * chunkEntries);
      yield chunk.subarray(0, entries * recordBytes);
    }
  }

  #chunk(position: number): Buffer {
    if (position >= this.#count) throw new RangeError(`there are only ${this.#count} acknowledgements`);
    return this.#chunks[Math.floor(position / chunkEntries)] as Buffer;
  }
}

/** One acknowledgement as a file of them holds it. */
export interface Acknowledgement {
  /** SHA3-512 of the artifact, in hex. */
  readonly digest: string;
  readonly index: number;
}

/** Reads the records of a file. */
export function* readAcknowledgements(bytes: Buffer): Generator<Acknowledgement> {
  for (let start = 0; start + recordBytes <= bytes.length; start += recordBytes) {
    yield {
      digest: bytes.toString('latin1', start, start + idTextBytes),
      index: bytes.readDoubleLE(start + idsAt.index),
    };
  }
}
