/**
 * Reads a binary structure from front to back, as TPMs (big-endian) and firmware (little-endian) write them. Every length is
 * compared with what is there before anything is taken, so that no input makes it read past the end or take memory for
 * what it does not hold.
 */

export type ByteOrder = 'big-endian' | 'little-endian';

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #isLittle: boolean;
  readonly #what: string;
  #offset = 0;

  /** @param what names the structure in errors: `the quote` */
  constructor(bytes: Uint8Array, order: ByteOrder, what: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#isLittle = order === 'little-endian';
    this.#what = what;
  }

  get offset(): number {
    return this.#offset;
  }

  get isAtEnd(): boolean {
    return this.#offset === this.#bytes.length;
  }

  /** The readers of numbers and bytes all throw SyntaxError where fewer bytes are left. */
  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), this.#isLittle);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), this.#isLittle);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), this.#isLittle);
  }

  /** A copy: nobody who changes the input later changes what was read. */
  bytes(sizeBytes: number): Uint8Array {
    const start = this.#take(sizeBytes);
    return this.#bytes.slice(start, start + sizeBytes);
  }

  /** Bytes behind their length of 16 bits (the TPM2B_ structures, TPM 2.0 Library Part 2, section 10.4). */
  sized(maxBytes: number): Uint8Array {
    const sizeBytes = this.u16();
    if (sizeBytes > maxBytes) throw this.fault(`holds ${sizeBytes} bytes where ${maxBytes} are the most`);
    return this.bytes(sizeBytes);
  }

  /** Throws SyntaxError unless everything was read. */
  end(): void {
    if (!this.isAtEnd) throw this.fault(`has ${this.#bytes.length - this.#offset} bytes too many`);
  }

  /** What is wrong, and where. */
  fault(message: string): SyntaxError {
    return new SyntaxError(`${this.#what} ${message} (at byte ${this.#offset})`);
  }

  #take(sizeBytes: number): number {
    const start = this.#offset;
    if (sizeBytes > this.#bytes.length - start) throw this.fault('is cut short');
    this.#offset = start + sizeBytes;
    return start;
  }
}
