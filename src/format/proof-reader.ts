/** Reads proofs (C2SP tlog-proof) that follow one another. Those under one checkpoint end in the same lines. */

import { maxHashes, parseTlogProof, type TlogProof } from './tlog-proof.js';
import { utf8Decode, utf8Encode } from './utf8.js';

/** Bytes of a hash line: 32 bytes in base64, and a newline. */
const hashLineBytes = 45;

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
    const head = bytes.subarray(0, bytes.length - this.#endBytes - lines * hashLineBytes);
    let own: TlogProof;
    try {
      own = parseTlogProof(`${utf8Decode(head)}\n`);
    } catch {
      return null;
    }
    // Text behind an empty line would make that line the end of the proof.
    if (own.checkpoint !== '' || own.hashes.length + lines > maxHashes) return null;
    return { index: own.index, hashes: [...own.hashes, ...hashes.slice(hashes.length - lines)], checkpoint };
  }

  /** How many of the last hash lines are those of the proof before; negative if not even the checkpoint is its. */
  #sharedLines(bytes: Uint8Array): number {
    const known = this.#bytes;
    const last = bytes.length - 1;
    const knownLast = this.#length - 1;
    const most = Math.min(bytes.length, this.#endBytes + this.#proof.hashes.length * hashLineBytes);
    let shared = 0;
    while (shared < most && bytes[last - shared] === known[knownLast - shared]) shared += 1;
    return this.#endBytes === 0 ? -1 : Math.floor((shared - this.#endBytes) / hashLineBytes);
  }
}
