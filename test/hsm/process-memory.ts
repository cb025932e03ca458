/** Looks through the memory of a running process (proc_pid_mem(5)); for one that may not be looked into, that takes root. */

import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** Names of the mappings that hold one of these, once for each place. Throws the system's error. */
export function findInMemory(pid: number, needles: readonly Uint8Array[]): string[] {
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    return readableMappings(pid).flatMap(({ start, end, name }) => {
      const content = readMapping(memory, start, end);
      return needles.flatMap((needle) => {
        const found: string[] = [];
        for (let at = content.indexOf(needle); at >= 0; at = content.indexOf(needle, at + 1))
          found.push(name);
        return found;
      });
    });
  } finally {
    closeSync(memory);
  }
}

function readableMappings(pid: number): { start: number; end: number; name: string }[] {
  return readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, start, end, name] = /^([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ \S+ *(.*)$/.exec(line) ?? [];
      if (start === undefined || end === undefined || name === undefined) return [];
      return [
        { start: Number.parseInt(start, 16), end: Number.parseInt(end, 16), name: name || 'anonymous' },
      ];
    });
}

/** What can be read of a mapping: one that the kernel gives to nobody, or that is gone, has nothing. */
function readMapping(memory: number, start: number, end: number): Buffer {
  const content = Buffer.alloc(end - start);
  let size = 0;
  try {
    for (let length = -1; length !== 0 && size < content.length; size += length)
      length = readSync(memory, content, size, content.length - size, start + size);
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && (cause.code === 'EIO' || cause.code === 'EFAULT')))
      throw cause;
  }
  return content.subarray(0, size);
}
