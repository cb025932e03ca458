/** Cuts the stream of answers into lines of bounded length. */

import { concatBytes } from '../format/bytes.js';

const newline = 0x0a;

export class AnswerLines {
  readonly #maxBytes: number;
  #rest: Uint8Array[] = [];
  #restBytes = 0;

  /** `maxBytes`: the longest line, its newline not counted. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of a line whose end has not come yet. */
  get restBytes(): number {
    return this.#restBytes;
  }

  /** Takes the next bytes and returns the lines that they complete. Throws RangeError for a line beyond the bound. */
  push(chunk: Uint8Array): Uint8Array[] {
    const lines: Uint8Array[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      this.#keep(chunk.subarray(start, end));
      lines.push(concatBytes(...this.#rest));
      this.#rest = [];
      this.#restBytes = 0;
      start = end + 1;
    }
    this.#keep(chunk.subarray(start));
    return lines;
  }

  #keep(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#restBytes += part.length;
    if (this.#restBytes > this.#maxBytes)
      throw new RangeError(`a line is longer than ${this.#maxBytes} bytes`);
    this.#rest.push(part);
  }
}
