/** Reads proofs (C2SP tlog-proof) that follow one another. Those under one checkpoint end in the same lines. */

import { asciiView } from './ascii-view.js';
import { base64Decode } from './base64.js';
import { maxHashes, parseTlogProof, type TlogProof } from './tlog-proof.js';
import { utf8Decode, utf8Encode } from './utf8.js';

/** Bytes of a hash line: 32 bytes in base64, and a newline. */
const hashLineBytes = 45;
const hashBytes = 32;
const newline = 0x0a;
const digitZero = 0x30;
/** Any number of so many decimal digits is a safe integer. */
const maxDigits = 15;
const beginning = utf8Encode('c2sp.org/tlog-proof@v1\nindex ');

/**
 * Gives for each proof what `parseTlogProof` gives, and throws what it throws. Lines at its end that the proof before it
 * had too are not decoded again: equal bytes decode to equal hashes and the same checkpoint.
 */
export class ProofReader {
  /** The proof before, at the beginning of memory that is used again. */
  #bytes: Uint8Array = new Uint8Array();
  #length = 0;
  #proof: TlogProof = { index: 0, hashes: [], checkpoint: '' };
  /** Bytes of the checkpoint and of the empty line before it. */
  #endBytes = 0;

  /** Reads the bytes of a proof. Throws SyntaxError or TypeError. */
  read(bytes: Uint8Array): TlogProof {
    const proof = this.#readByEnd(bytes) ?? this.#readWhole(bytes);
    if (bytes.length > this.#bytes.length) this.#bytes = new Uint8Array(2 * bytes.length);
    this.#bytes.set(bytes);
    this.#length = bytes.length;
    this.#proof = proof;
    return proof;
  }

  #readWhole(bytes: Uint8Array): TlogProof {
    const proof = parseTlogProof(utf8Decode(bytes));
    this.#endBytes = 1 + utf8Encode(proof.checkpoint).length;
    return proof;
  }

  /** Null for a proof that does not end like the one before, and for whatever is wrong with it. */
  #readByEnd(bytes: Uint8Array): TlogProof | null {
    const { hashes, checkpoint } = this.#proof;
    const lines = this.#sharedLines(bytes);
    if (lines < 0) return null;
    const end = bytes.length - this.#endBytes - lines * hashLineBytes;
    const index = readIndex(bytes);
    if (index === null || index.end > end || (end - index.end) % hashLineBytes !== 0) return null;
    const own: Uint8Array[] = [];
    for (let start = index.end; start < end; start += hashLineBytes) {
      const hash = readHashLine(bytes, start);
      if (hash === null) return null;
      own.push(hash);
    }
    if (own.length + lines > maxHashes) return null;
    const shared = lines === hashes.length ? hashes : hashes.slice(hashes.length - lines);
    return { index: index.value, hashes: own.length === 0 ? shared : [...own, ...shared], checkpoint };
  }

  /** How many of the last hash lines are those of the proof before; negative if not even the checkpoint is its. */
  #sharedLines(bytes: Uint8Array): number {
    if (this.#endBytes === 0) return -1;
    const view = asciiView(bytes);
    // Neighbours in a log mostly differ in the first line or two, so this mostly ends soon.
    for (let lines = this.#proof.hashes.length; lines >= 0; lines--) {
      const shared = this.#endBytes + lines * hashLineBytes;
      const end = this.#bytes.subarray(this.#length - shared, this.#length);
      if (shared <= bytes.length && view.hasAt(bytes.length - shared, end)) return lines;
    }
    return -1;
  }
}

/** The index, and where its line ends; null unless a proof begins with it in the one plain spelling. */
function readIndex(bytes: Uint8Array): { readonly value: number; readonly end: number } | null {
  for (let position = 0; position < beginning.length; position++) {
    if (bytes[position] !== beginning[position]) return null;
  }
  let value = 0;
  let end = beginning.length;
  for (; bytes[end] !== newline; end++) {
    const digit = (bytes[end] ?? 0) - digitZero;
    if (digit < 0 || digit > 9) return null;
    value = value * 10 + digit;
  }
  const digits = end - beginning.length;
  if (digits === 0 || digits > maxDigits || (digits > 1 && bytes[beginning.length] === digitZero))
    return null;
  return { value, end: end + 1 };
}

/** The hash of the line that starts here, or null. */
function readHashLine(bytes: Uint8Array, start: number): Uint8Array | null {
  if (bytes[start + hashLineBytes - 1] !== newline) return null;
  try {
    const hash = base64Decode(utf8Decode(bytes.subarray(start, start + hashLineBytes - 1)));
    return hash.length === hashBytes ? hash : null;
  } catch {
    return null;
  }
}
