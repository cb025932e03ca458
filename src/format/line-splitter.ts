/** Cuts a byte stream into lines of bounded length. A longer line is reported once and skipped to its end. */

import { concatBytes } from './bytes.js';

/** `tooLong`: a line exceeded the bound; none of its bytes were kept. */
export type Line = { readonly line: 'whole'; readonly bytes: Uint8Array } | { readonly line: 'tooLong' };

const newline = 0x0a;

export class LineSplitter {
  readonly #maxBytes: number;
  #parts: Uint8Array[] = [];
  #sizeBytes = 0;
  #skipping = false;

  /** `maxBytes`: the longest line, its newline not counted. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of a line whose end has not come yet. */
  get restBytes(): number {
    return this.#sizeBytes;
  }

  /** Takes the next bytes of the stream and returns the lines that they complete. */
  push(chunk: Uint8Array): Line[] {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      this.#keep(chunk.subarray(start, end), lines);
      if (!this.#skipping) lines.push({ line: 'whole', bytes: concatBytes(...this.#parts) });
      this.#reset();
      start = end + 1;
    }
    this.#keep(chunk.subarray(start), lines);
    return lines;
  }

  #keep(part: Uint8Array, lines: Line[]): void {
    if (this.#skipping || part.length === 0) return;
    this.#sizeBytes += part.length;
    if (this.#sizeBytes <= this.#maxBytes) {
      this.#parts.push(part);
      return;
    }
    lines.push({ line: 'tooLong' });
    this.#parts = [];
    this.#skipping = true;
  }

  #reset(): void {
    this.#parts = [];
    this.#sizeBytes = 0;
    this.#skipping = false;
  }
}
