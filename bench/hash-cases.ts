// The cases of the hash benchmark, and the ratios to reach in them.

/** What is digested: independent messages of one length, one by one or all in one call. */
export type HashCase = {
  readonly name: string;
  readonly algorithm: 'sha3-512' | 'blake2b512';
  readonly messageBytes: number;
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
  { name: 'SHA3-512, 8 KiB', algorithm: 'sha3-512', messageBytes: 8192, messageCount: 1 },
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
];
