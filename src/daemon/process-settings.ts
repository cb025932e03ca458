/**
 * How the process of writd is to be started; bin/writd does, and so do tests and benchmarks. The daemon makes and drops
 * tens of kilobytes for each request. Left to themselves, V8 and the C library let it grow far beyond what it needs;
 * and helper threads of V8's collector take time that the daemon's own threads could use, where processors are few.
 */

/** Flags of node; the size in MiB. */
export const nodeFlags: readonly string[] = [
  '--no-parallel-scavenge',
  '--max-semi-space-size=16',
  '--heap-growing-percent=50',
];

/** Settings of the C library's allocator (mallopt(3)). */
export const allocatorEnvironment: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '2' };
