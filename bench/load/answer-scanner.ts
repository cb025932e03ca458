/**
 * Cuts one connection's bytes into answers without parsing them: the daemon's usual answer is recognized by its first
 * bytes, and the rest of its line is only searched for the newline. Whatever looks otherwise (a denial, an error, another
 * order of keys) is given on whole, to be parsed in full.
 */

import { idTextBytes } from './acknowledgements.js';
import { firstId, idDigits } from './requests.js';

/** Where answers go. `bytes` and `line` are good only during the call. */
export interface AnswerSink {
  /** Asked once a line, before it is known to be a grant: whether its whole text is wanted. */
  wantsText(): boolean;
  /** A grant: its artifact's hex digits are at `idOffset`. `line` is there if its text was wanted. */
  granted(id: number, bytes: Uint8Array, idOffset: number, index: number, line: Buffer | null): void;
  /** Any other line. */
  other(line: Buffer): void;
}

const newline = 0x0a;
const beforeId = Buffer.from('{"jsonrpc":"2.0","id":');
const beforeDigest = Buffer.from(',"result":{"decision":"allow","id":"sha3-512:');
const beforeIndex = Buffer.from('","index":');
const idAt = beforeId.length;
const afterId = idAt + idDigits;
const digestAt = afterId + beforeDigest.length;
const afterDigest = digestAt + idTextBytes;
const indexAt = afterDigest + beforeIndex.length;
const mostIndexDigits = 16;
/** With so many bytes of a line at hand everything that is looked at has come. */
const headBytes = indexAt + mostIndexDigits + 1;

type State = 'at-start' | 'skipping' | 'collecting';

export class AnswerScanner {
  readonly #sink: AnswerSink;
  #state: State = 'at-start';
  #parts: Buffer[] = [];
  #wanted = false;
  /** What the head of a skipped line said; granted when its end comes. */
  readonly #head = Buffer.alloc(headBytes);

  constructor(sink: AnswerSink) {
    this.#sink = sink;
  }

  /** Takes the next bytes of the stream; `chunk` may be written over afterwards. Returns how many lines ended in it. */
  feed(chunk: Buffer): number {
    let lines = 0;
    let start = 0;
    const { length } = chunk;
    while (start < length) {
      const end = chunk.indexOf(newline, start);
      if (end === -1) {
        this.#begin(chunk, start);
        break;
      }
      this.#end(chunk, start, end);
      lines += 1;
      start = end + 1;
    }
    return lines;
  }

  /** A line that ends in this chunk. */
  #end(chunk: Buffer, start: number, end: number): void {
    if (this.#state === 'skipping') {
      this.#state = 'at-start';
      this.#grant(this.#head, 0, null);
      return;
    }
    if (this.#state === 'collecting') {
      const line = Buffer.concat([...this.#parts, chunk.subarray(start, end)]);
      this.#parts = [];
      this.#state = 'at-start';
      if (isGrant(line, 0, line.length)) this.#grant(line, 0, this.#wanted ? line : null);
      else this.#sink.other(line);
      return;
    }
    const wanted = this.#sink.wantsText();
    if (isGrant(chunk, start, end)) this.#grant(chunk, start, wanted ? chunk.subarray(start, end) : null);
    else this.#sink.other(chunk.subarray(start, end));
  }

  /** A line, or a part of one, that does not end in this chunk. */
  #begin(chunk: Buffer, start: number): void {
    if (this.#state === 'skipping') return;
    if (this.#state === 'at-start') {
      this.#wanted = this.#sink.wantsText();
      if (!this.#wanted && chunk.length - start >= headBytes && isGrant(chunk, start, chunk.length)) {
        chunk.copy(this.#head, 0, start, start + headBytes);
        this.#state = 'skipping';
        return;
      }
      this.#state = 'collecting';
    }
    this.#parts.push(Buffer.from(chunk.subarray(start)));
  }

  #grant(bytes: Buffer, start: number, line: Buffer | null): void {
    const id = digits(bytes, start + idAt);
    this.#sink.granted(id, bytes, start + digestAt, digits(bytes, start + indexAt), line);
  }
}

/** Whether the line begins as a grant does, up to its log index. */
function isGrant(bytes: Buffer, start: number, end: number): boolean {
  return (
    end - start > indexAt &&
    matches(bytes, start, beforeId) &&
    bytes[start + idAt] !== 0x30 &&
    isDigit(bytes[start + afterId - 1]) &&
    matches(bytes, start + afterId, beforeDigest) &&
    matches(bytes, start + afterDigest, beforeIndex)
  );
}

function matches(bytes: Buffer, offset: number, expected: Buffer): boolean {
  for (let at = 0; at < expected.length; at++) if (bytes[offset + at] !== expected[at]) return false;
  return true;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** The decimal number that begins here. */
function digits(bytes: Buffer, offset: number): number {
  let number = 0;
  for (let at = offset; ; at++) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return number;
    number = number * 10 + digit;
  }
}

/** The place of a request in the order in which they were made, from its JSON-RPC id. */
export function sequenceOf(id: number): number {
  return id - firstId;
}
