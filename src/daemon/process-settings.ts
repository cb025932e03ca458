/**
 * How the process of writd is to be started; bin/writd does, and so do tests and benchmarks. The daemon holds hundreds
 * of requests while they wait for a seal. With a young generation that they fit in, most are never copied; and memory
 * that one batch leaves behind serves the next one, instead of going back to the kernel to be cleared.
 */

/** Flags of node: sizes in MiB. On few processors, helper threads of the collector take time from the daemon's own. */
export const nodeFlags: readonly string[] = [
  '--no-parallel-scavenge',
  '--min-semi-space-size=32',
  '--max-semi-space-size=32',
];

/** Settings of the C library's allocator (mallopt(3)), in bytes. */
export const allocatorEnvironment: Readonly<Record<string, string>> = {
  MALLOC_MMAP_THRESHOLD_: '33554432',
  MALLOC_TRIM_THRESHOLD_: '67108864',
};
