/** SHA3-512 and BLAKE2b-512 of messages that arrive in parts, or that are larger than the core's memory. */

import {
  blake2b512Core,
  type CoreHash,
  coreBytes,
  firstDigest,
  messageArea,
  sha3_512Core,
  stateAddress,
} from './core.js';

/** A digest in the making. Any number may be in the making at the same time. */
export type StreamingDigest = {
  /**
   * Adds the next part of the message. The part is read before this returns and not kept.
   * @throws {FinishedDigestError} after `digest`
   */
  update(chunk: Uint8Array): StreamingDigest;
  /**
   * The digest of all parts, 64 bytes; the end of this object's use.
   * @throws {FinishedDigestError} when called again
   */
  digest(): Uint8Array;
};

/** A digest that was already taken was used again. */
export class FinishedDigestError extends Error {
  override readonly name = 'FinishedDigestError';

  constructor(operation: 'update' | 'digest') {
    super(`This digest is finished and takes no further ${operation}(): create a new one for each message.`);
  }
}

/** SHA3-512 (FIPS 202) of a message in parts. */
export function createSha3_512(): StreamingDigest {
  return new CoreStream(sha3_512Core);
}

/** BLAKE2b-512 (RFC 7693, no key) of a message in parts. */
export function createBlake2b512(): StreamingDigest {
  return new CoreStream(blake2b512Core);
}

/** How much of a long message is in the core's memory at a time: whole blocks, few enough to stay in a near cache. */
const PART_BYTES = 56 * 1152;

/** The digest of a message of any size by the core, 64 bytes. */
export function digestWhole(hash: CoreHash, message: Uint8Array): Uint8Array {
  if (message.length <= PART_BYTES) {
    coreBytes.set(message, messageArea);
    hash.whole(message.length);
    return firstDigest(hash);
  }
  hash.begin();
  let rest = message;
  while (rest.length > PART_BYTES) {
    coreBytes.set(rest.subarray(0, PART_BYTES), messageArea);
    hash.absorb(PART_BYTES);
    rest = rest.subarray(PART_BYTES);
  }
  coreBytes.set(rest, messageArea);
  hash.end(rest.length);
  return firstDigest(hash);
}

/** Small parts are worth collecting: each way through the core copies its state twice. */
const BUFFERED_BLOCKS = 8;

/**
 * Collects parts until they would overflow a buffer, then takes the buffer through the core, whose state
 * is swapped in and out. The last block stays behind in the buffer, because BLAKE2b must know which it is.
 */
class CoreStream implements StreamingDigest {
  readonly #hash: CoreHash;
  readonly #state: Uint8Array;
  readonly #buffer: Uint8Array;
  #buffered = 0;
  #isFinished = false;

  constructor(hash: CoreHash) {
    this.#hash = hash;
    this.#buffer = new Uint8Array(hash.blockBytes * BUFFERED_BLOCKS);
    hash.begin();
    this.#state = coreBytes.slice(stateAddress, stateAddress + hash.stateBytes);
  }

  update(chunk: Uint8Array): StreamingDigest {
    if (this.#isFinished) throw new FinishedDigestError('update');
    if (this.#buffered + chunk.length <= this.#buffer.length) {
      this.#buffer.set(chunk, this.#buffered);
      this.#buffered += chunk.length;
    } else {
      this.#absorb(chunk);
    }
    return this;
  }

  digest(): Uint8Array {
    if (this.#isFinished) throw new FinishedDigestError('digest');
    this.#isFinished = true;
    coreBytes.set(this.#state, stateAddress);
    coreBytes.set(this.#buffer.subarray(0, this.#buffered), messageArea);
    this.#hash.end(this.#buffered);
    return firstDigest(this.#hash);
  }

  /** Takes buffer and chunk through the core, but for the last block, which goes back to the buffer. */
  #absorb(chunk: Uint8Array): void {
    const { blockBytes, stateBytes } = this.#hash;
    coreBytes.set(this.#state, stateAddress);
    coreBytes.set(this.#buffer.subarray(0, this.#buffered), messageArea);
    let filled = this.#buffered;
    let rest = chunk;
    while (rest.length > 0) {
      const taken = Math.min(rest.length, PART_BYTES - filled);
      coreBytes.set(rest.subarray(0, taken), messageArea + filled);
      rest = rest.subarray(taken);
      filled += taken;
      const last = lastBlockBytes(filled, blockBytes);
      this.#hash.absorb(filled - last);
      coreBytes.copyWithin(messageArea, messageArea + filled - last, messageArea + filled);
      filled = last;
    }
    this.#buffer.set(coreBytes.subarray(messageArea, messageArea + filled));
    this.#buffered = filled;
    this.#state.set(coreBytes.subarray(stateAddress, stateAddress + stateBytes));
  }
}

/** The bytes of the last block of `byteCount` > 0 bytes: from one to a whole block. */
function lastBlockBytes(byteCount: number, blockBytes: number): number {
  return ((byteCount - 1) % blockBytes) + 1;
}
