/**
 * The evidence digests: SHA3-512 (FIPS 202) and BLAKE2b-512 (RFC 7693, no key), of one message or of many
 * independent ones in one call. Synchronous, and the same in Node and in browsers. Every digest is a fresh
 * array of 64 bytes.
 */

import {
  blake2b512Core,
  type CoreHash,
  coreBytes,
  digestAt,
  messageArea,
  messageAreaBytes,
  messageTableEntries,
  PADDING_BYTES,
  setMessage,
  sha3_512Core,
} from './core.js';

/** Both digests of one message. */
export type EvidenceDigests = { readonly sha3_512: Uint8Array; readonly blake2b: Uint8Array };

/** SHA3-512 of a message. */
export function sha3_512(message: Uint8Array): Uint8Array {
  return digestWhole(sha3_512Core, message);
}

/** BLAKE2b-512 of a message. */
export function blake2b512(message: Uint8Array): Uint8Array {
  return digestWhole(blake2b512Core, message);
}

/** Both digests of a message. */
export function evidenceDigests(message: Uint8Array): EvidenceDigests {
  return { sha3_512: sha3_512(message), blake2b: blake2b512(message) };
}

/** SHA3-512 of each message, in their order; much faster than one by one. */
export function sha3_512Batch(messages: readonly Uint8Array[]): Uint8Array[] {
  return digestBatch(messages, [sha3_512Core], (index) => digestAt(sha3_512Core, index), sha3_512);
}

/** BLAKE2b-512 of each message, in their order; much faster than one by one. */
export function blake2b512Batch(messages: readonly Uint8Array[]): Uint8Array[] {
  return digestBatch(messages, [blake2b512Core], (index) => digestAt(blake2b512Core, index), blake2b512);
}

/** Both digests of each message, in their order; much faster than one by one. */
export function evidenceDigestsBatch(messages: readonly Uint8Array[]): EvidenceDigests[] {
  const both = (index: number): EvidenceDigests => ({
    sha3_512: digestAt(sha3_512Core, index),
    blake2b: digestAt(blake2b512Core, index),
  });
  return digestBatch(messages, [sha3_512Core, blake2b512Core], both, evidenceDigests);
}

function digestWhole(hash: CoreHash, message: Uint8Array): Uint8Array {
  hash.begin();
  let rest = message;
  while (rest.length > messageAreaBytes) {
    coreBytes.set(rest.subarray(0, messageAreaBytes), messageArea);
    hash.absorb(messageAreaBytes);
    rest = rest.subarray(messageAreaBytes);
  }
  coreBytes.set(rest, messageArea);
  hash.end(rest.length);
  return digestAt(hash, 0);
}

/**
 * Fills the core's memory with messages, runs the hashes over them, reads the results, and so on until all
 * are done.
 * @param hashes the hashes to run over each filling
 * @param read what to take from the core for the message at an index of the table
 * @param single what to do instead with a message that is too large for the core's memory
 */
function digestBatch<T>(
  messages: readonly Uint8Array[],
  hashes: readonly CoreHash[],
  read: (index: number) => T,
  single: (message: Uint8Array) => T,
): T[] {
  const results: T[] = [];
  const end = messageArea + messageAreaBytes;
  let waiting = 0;
  let address = messageArea;
  const run = (): void => {
    for (const hash of hashes) hash.batch(waiting);
    for (let index = 0; index < waiting; index += 1) results.push(read(index));
    waiting = 0;
    address = messageArea;
  };
  for (const message of messages) {
    const isFull = waiting === messageTableEntries || address + message.length > end;
    if (isFull) run();
    if (message.length > messageAreaBytes) {
      results.push(single(message));
      continue;
    }
    coreBytes.set(message, address);
    setMessage(waiting, address, message.length);
    waiting += 1;
    address += roundUp(message.length) + PADDING_BYTES;
  }
  run();
  return results;
}

/** Up to a multiple of 16, where vector loads are cheapest. */
function roundUp(byteLength: number): number {
  return (byteLength + 15) & ~15;
}
