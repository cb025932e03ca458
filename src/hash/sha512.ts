/** SHA-512 (FIPS 180-4), the hash that OpenSSH signatures are made over. */

import { sha512 as nobleSha512 } from '@noble/hashes/sha2.js';

/** Node's own hash, read from its hexadecimal answer: what is hashed here is signed by people, so speed hardly counts. */
const nodeHash = globalThis.process?.getBuiltinModule?.('node:crypto')?.createHash;

/** The 64-byte digest of a message. */
export const sha512: (message: Uint8Array) => Uint8Array =
  nodeHash === undefined
    ? nobleSha512
    : (message) => Uint8Array.from(nodeHash('sha512').update(message).digest());
