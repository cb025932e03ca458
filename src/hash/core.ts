/**
 * The WASM core of the evidence digests (wasm/), instantiated once, and its two hashes in one shape. The
 * core has a fixed memory: a message is copied to its message area, and digests are copied out. Everything
 * runs to its end within one synchronous call, so that no caller can see another's bytes.
 */

import { coreModule } from './core-module.js';

/** One hash of the core. Addresses and counts in bytes; `absorb` and `end` read from the message area. */
export type CoreHash = {
  readonly begin: () => void;
  /** Absorbs whole blocks, of which none is the message's last; a full message area is whole blocks. */
  readonly absorb: (byteCount: number) => void;
  /** Absorbs the rest of a message and writes its digest to `digests`. */
  readonly end: (byteCount: number) => void;
  /** `begin` and `end` in one. */
  readonly whole: (byteCount: number) => void;
  /** Writes the digests of the message table's first messages to `digests`, one behind the other. */
  readonly batch: (messageCount: number) => void;
  readonly digests: number;
  /** The first of them. */
  readonly firstDigest: Uint8Array;
  readonly blockBytes: number;
  /** What lies at `stateAddress` between two calls of a message in parts. */
  readonly stateBytes: number;
};

type Constant = { readonly value: number };

type CoreExports = {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly MESSAGES: Constant;
  readonly MESSAGES_BYTES: Constant;
  readonly TABLE: Constant;
  readonly TABLE_ENTRIES: Constant;
  readonly SOLO_STATE: Constant;
  readonly SHA3_DIGESTS: Constant;
  readonly BLAKE2B_DIGESTS: Constant;
  readonly sha3_512_begin: CoreHash['begin'];
  readonly sha3_512_absorb: CoreHash['absorb'];
  readonly sha3_512_end: CoreHash['end'];
  readonly sha3_512_whole: CoreHash['whole'];
  readonly sha3_512_batch: CoreHash['batch'];
  readonly blake2b_512_begin: CoreHash['begin'];
  readonly blake2b_512_absorb: CoreHash['absorb'];
  readonly blake2b_512_end: CoreHash['end'];
  readonly blake2b_512_whole: CoreHash['whole'];
  readonly blake2b_512_batch: CoreHash['batch'];
};

/** The part of the WebAssembly interface used here; the compiler's library for Node does not describe it. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object) => { readonly exports: CoreExports };
};

const core = new WebAssembly.Instance(new WebAssembly.Module(coreModule)).exports;

/** Both digests have 64 bytes. */
export const DIGEST_BYTES = 64;

/** The message area: an address, and a size that is a multiple of both block sizes. */
export const messageArea = core.MESSAGES.value;
export const messageAreaBytes = core.MESSAGES_BYTES.value;

/** The room that the core needs behind each message for its padding. */
export const PADDING_BYTES = 128;

/** The message table: an address, and how many pairs of u32 (address, byte length) it holds. */
export const messageTable = core.TABLE.value;
export const messageTableEntries = core.TABLE_ENTRIES.value;

export const stateAddress = core.SOLO_STATE.value;

/** The core's whole memory, which never grows. WASM is little-endian on every machine: see `setMessage`. */
export const coreBytes = new Uint8Array(core.memory.buffer);
const coreView = new DataView(core.memory.buffer);

export const sha3_512Core: CoreHash = {
  begin: core.sha3_512_begin,
  absorb: core.sha3_512_absorb,
  end: core.sha3_512_end,
  whole: core.sha3_512_whole,
  batch: core.sha3_512_batch,
  digests: core.SHA3_DIGESTS.value,
  firstDigest: new Uint8Array(core.memory.buffer, core.SHA3_DIGESTS.value, DIGEST_BYTES),
  blockBytes: 72,
  stateBytes: 200,
};

export const blake2b512Core: CoreHash = {
  begin: core.blake2b_512_begin,
  absorb: core.blake2b_512_absorb,
  end: core.blake2b_512_end,
  whole: core.blake2b_512_whole,
  batch: core.blake2b_512_batch,
  digests: core.BLAKE2B_DIGESTS.value,
  firstDigest: new Uint8Array(core.memory.buffer, core.BLAKE2B_DIGESTS.value, DIGEST_BYTES),
  blockBytes: 128,
  stateBytes: 72,
};

/** Enters a message into the table: where it lies and how many bytes it has. */
export function setMessage(index: number, address: number, byteLength: number): void {
  coreView.setUint32(messageTable + 8 * index, address, true);
  coreView.setUint32(messageTable + 8 * index + 4, byteLength, true);
}

/** A copy of the digest that a hash left for the first message. */
export function firstDigest(hash: CoreHash): Uint8Array {
  return new Uint8Array(hash.firstDigest);
}

/** Digests the first `count` messages of the table; a copy of their digests, one behind the other. */
export function digestTable(hash: CoreHash, count: number): ArrayBuffer {
  hash.batch(count);
  return core.memory.buffer.slice(hash.digests, hash.digests + DIGEST_BYTES * count);
}

/** The digest of one index among such a copy's: a view of it. */
export function digestAt(digests: ArrayBuffer, index: number): Uint8Array {
  return new Uint8Array(digests, DIGEST_BYTES * index, DIGEST_BYTES);
}
