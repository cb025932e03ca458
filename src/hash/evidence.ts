/**
 * The evidence digests: SHA3-512 (FIPS 202) and BLAKE2b-512 (RFC 7693, no key), of one message or of many
 * independent ones in one call. Synchronous, and the same in Node and in browsers. A digest is a new array
 * of 64 bytes; those of one batch share a buffer, as views of it.
 */

import { digestBatch } from './batch.js';
import {
  blake2b512Core,
  coreBytes,
  digestTable,
  firstDigest,
  messageArea,
  messageAreaBytes,
  sha3_512Core,
} from './core.js';
import { digestInParts } from './stream.js';

/** Both digests of one message. */
export type EvidenceDigests = { readonly sha3_512: Uint8Array; readonly blake2b: Uint8Array };

/** SHA3-512 of a message. */
export function sha3_512(message: Uint8Array): Uint8Array {
  if (message.length > messageAreaBytes) return digestInParts(sha3_512Core, message);
  coreBytes.set(message, messageArea);
  sha3_512Core.whole(message.length);
  return firstDigest(sha3_512Core);
}

/** BLAKE2b-512 of a message. */
export function blake2b512(message: Uint8Array): Uint8Array {
  if (message.length > messageAreaBytes) return digestInParts(blake2b512Core, message);
  coreBytes.set(message, messageArea);
  blake2b512Core.whole(message.length);
  return firstDigest(blake2b512Core);
}

/** Both digests of a message. */
export function evidenceDigests(message: Uint8Array): EvidenceDigests {
  if (message.length > messageAreaBytes) {
    return { sha3_512: sha3_512(message), blake2b: blake2b512(message) };
  }
  coreBytes.set(message, messageArea);
  sha3_512Core.whole(message.length);
  blake2b512Core.whole(message.length);
  return { sha3_512: firstDigest(sha3_512Core), blake2b: firstDigest(blake2b512Core) };
}

/** SHA3-512 of each message, in their order; much faster than one by one. */
export function sha3_512Batch(messages: readonly Uint8Array[]): Uint8Array[] {
  return digestBatch(messages, (count) => digestTable(sha3_512Core, count), sha3_512);
}

/** BLAKE2b-512 of each message, in their order; much faster than one by one. */
export function blake2b512Batch(messages: readonly Uint8Array[]): Uint8Array[] {
  return digestBatch(messages, (count) => digestTable(blake2b512Core, count), blake2b512);
}

/** Both digests of each message, in their order; much faster than one by one. */
export function evidenceDigestsBatch(messages: readonly Uint8Array[]): EvidenceDigests[] {
  return digestBatch(messages, bothOfTable, evidenceDigests);
}

function bothOfTable(count: number): (index: number) => EvidenceDigests {
  const sha3_512Of = digestTable(sha3_512Core, count);
  const blake2bOf = digestTable(blake2b512Core, count);
  return (index) => ({ sha3_512: sha3_512Of(index), blake2b: blake2bOf(index) });
}
