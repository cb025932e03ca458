/**
 * The evidence digests: SHA3-512 (FIPS 202) and BLAKE2b-512 (RFC 7693, no key), of one message or of many
 * independent ones in one call. Synchronous, and the same in Node and in browsers. A digest is a new array
 * of 64 bytes; those of one batch share a buffer, as views of it.
 */

import { workThrough } from './batch.js';
import {
  blake2b512Core,
  coreBytes,
  digestAt,
  digestTable,
  firstDigest,
  messageArea,
  sha3_512Core,
} from './core.js';
import { NATIVE_SHA3_FROM_BYTES, nativeSha3_512 } from './native-sha3.js';
import { digestWhole } from './stream.js';

/** Both digests of one message. */
export type EvidenceDigests = { readonly sha3_512: Uint8Array; readonly blake2b: Uint8Array };

/** SHA3-512 of a message. */
export function sha3_512(message: Uint8Array): Uint8Array {
  if (nativeSha3_512 !== undefined && message.length >= NATIVE_SHA3_FROM_BYTES) {
    return nativeSha3_512(message);
  }
  return digestWhole(sha3_512Core, message);
}

/** BLAKE2b-512 of a message. */
export function blake2b512(message: Uint8Array): Uint8Array {
  return digestWhole(blake2b512Core, message);
}

/** Both digests of a message. */
export function evidenceDigests(message: Uint8Array): EvidenceDigests {
  if (message.length >= NATIVE_SHA3_FROM_BYTES) {
    return { sha3_512: sha3_512(message), blake2b: blake2b512(message) };
  }
  coreBytes.set(message, messageArea);
  sha3_512Core.whole(message.length);
  blake2b512Core.whole(message.length);
  return { sha3_512: firstDigest(sha3_512Core), blake2b: firstDigest(blake2b512Core) };
}

/** SHA3-512 of each message, in their order; much faster than one by one. */
export function sha3_512Batch(messages: readonly Uint8Array[]): Uint8Array[] {
  const results = new Array<Uint8Array>(messages.length);
  workThrough(messages, {
    loaded: (first, count) => {
      const digests = digestTable(sha3_512Core, count);
      for (let index = 0; index < count; index += 1) results[first + index] = digestAt(digests, index);
    },
    single: (message, index) => {
      results[index] = sha3_512(message);
    },
  });
  return results;
}

/** BLAKE2b-512 of each message, in their order; much faster than one by one. */
export function blake2b512Batch(messages: readonly Uint8Array[]): Uint8Array[] {
  const results = new Array<Uint8Array>(messages.length);
  workThrough(messages, {
    loaded: (first, count) => {
      const digests = digestTable(blake2b512Core, count);
      for (let index = 0; index < count; index += 1) results[first + index] = digestAt(digests, index);
    },
    single: (message, index) => {
      results[index] = blake2b512(message);
    },
  });
  return results;
}

/** Both digests of each message, in their order; much faster than one by one. */
export function evidenceDigestsBatch(messages: readonly Uint8Array[]): EvidenceDigests[] {
  const results = new Array<EvidenceDigests>(messages.length);
  workThrough(messages, {
    loaded: (first, count) => {
      const sha3_512s = digestTable(sha3_512Core, count);
      const blake2bs = digestTable(blake2b512Core, count);
      for (let index = 0; index < count; index += 1) {
        results[first + index] = { sha3_512: digestAt(sha3_512s, index), blake2b: digestAt(blake2bs, index) };
      }
    },
    single: (message, index) => {
      results[index] = evidenceDigests(message);
    },
  });
  return results;
}
