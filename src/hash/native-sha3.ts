/**
 * Node's own SHA3-512, which overtakes the core on long messages: OpenSSL's Keccak is hand-written, but each
 * call costs more. Found at run time, so that this module loads in browsers as it is, where there is none.
 * BLAKE2b has no such partner: the core keeps up with OpenSSL's at every length.
 */

type Buffered = {
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
  readonly byteLength: number;
};

/** From this length on a single message is faster natively; `bench/hash.ts` prints the figures behind it. */
export const NATIVE_SHA3_FROM_BYTES = 2048;

/** SHA3-512 of one message by the platform; undefined where it has none. */
export const nativeSha3_512: ((message: Uint8Array) => Uint8Array) | undefined = find();

function find(): ((message: Uint8Array) => Uint8Array) | undefined {
  const crypto = globalThis.process?.getBuiltinModule?.('node:crypto');
  // An OpenSSL may be built without SHA-3.
  if (crypto?.getHashes().includes('sha3-512') !== true) return undefined;
  // Node 20 before 20.12 has no `hash`, which costs less a call.
  const digestOf = (message: Uint8Array): Buffered =>
    crypto.hash?.('sha3-512', message, 'buffer') ?? crypto.createHash('sha3-512').update(message).digest();
  return (message) => {
    const { buffer, byteOffset, byteLength } = digestOf(message);
    return new Uint8Array(buffer, byteOffset, byteLength);
  };
}
