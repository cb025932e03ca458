// The cases of the hash benchmark, and the ratios to reach in them.

/** What is digested: independent messages, one by one or all in one call. */
export type HashCase = {
  readonly name: string;
  /** `evidence pair`: SHA3-512 and BLAKE2b-512 of each message. */
  readonly algorithm: 'sha3-512' | 'blake2b512' | 'evidence pair';
  readonly messageBytes: number;
  /** Lengths differ by up to so many bytes, evenly around `messageBytes`; absent if all have that length. */
  readonly spreadBytes?: number;
  /** More than one: independent messages, given to the core in one call. */
  readonly messageCount: number;
  /** The ratios that the median round should reach; absent where none is set. */
  readonly target?: { readonly hashWasm: number; readonly node: number };
};

const MIB = 1024 * 1024;

export const HASH_CASES: readonly HashCase[] = [
  {
    name: 'SHA3-512, 1,000 x 128 B in one call',
    algorithm: 'sha3-512',
    messageBytes: 128,
    messageCount: 1000,
    target: { hashWasm: 2.5, node: 3 },
  },
  {
    name: 'SHA3-512, 256 B',
    algorithm: 'sha3-512',
    messageBytes: 256,
    messageCount: 1,
    target: { hashWasm: 1.25, node: 1.25 },
  },
  {
    name: 'SHA3-512, 1,000 x 1 KiB in one call',
    algorithm: 'sha3-512',
    messageBytes: 1024,
    messageCount: 1000,
    target: { hashWasm: 2, node: 1.5 },
  },
  { name: 'SHA3-512, 1 KiB', algorithm: 'sha3-512', messageBytes: 1024, messageCount: 1 },
  { name: 'SHA3-512, 1 MiB', algorithm: 'sha3-512', messageBytes: MIB, messageCount: 1 },
  {
    name: 'BLAKE2b-512, 1,000 x 128 B in one call',
    algorithm: 'blake2b512',
    messageBytes: 128,
    messageCount: 1000,
    target: { hashWasm: 3.5, node: 5 },
  },
  {
    name: 'BLAKE2b-512, 256 B',
    algorithm: 'blake2b512',
    messageBytes: 256,
    messageCount: 1,
    target: { hashWasm: 1.9, node: 2.8 },
  },
  {
    name: 'BLAKE2b-512, 1,000 x 1 KiB in one call',
    algorithm: 'blake2b512',
    messageBytes: 1024,
    messageCount: 1000,
  },
  {
    name: 'BLAKE2b-512, 1 MiB',
    algorithm: 'blake2b512',
    messageBytes: MIB,
    messageCount: 1,
    target: { hashWasm: 1.05, node: 0.95 },
  },
  {
    name: 'evidence pair, 512 x 4 KB in one call',
    algorithm: 'evidence pair',
    messageBytes: 4000,
    spreadBytes: 600,
    messageCount: 512,
  },
  {
    name: 'evidence pair, 8 x 4 KB in one call',
    algorithm: 'evidence pair',
    messageBytes: 4000,
    spreadBytes: 600,
    messageCount: 8,
  },
];

/** Lengths of a single message at which the core's SHA3-512 is compared with the platform's. */
export const CROSSOVER_BYTES: readonly number[] = [1, 2, 3, 4, 8, 16, 64].map((kib) => 1024 * kib);
