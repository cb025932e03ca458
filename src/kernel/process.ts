/**
 * What /proc tells of another process (proc(5)). A pid can be reused between two reads: who needs several facts of one
 * process compares the start time, or asks a pidfd, after the last of them. The reads are synchronous because the
 * kernel answers them from memory, sooner than another thread could be woken.
 */

import { readFileSync, readlinkSync } from 'node:fs';
import { utf8Decode } from '../format/utf8.js';
import { errnoName } from './errno.js';
import { type ProcessStat, parseProcessStat } from './process-stat.js';

/** Kinds of namespace, as named under /proc/PID/ns. */
export const namespaceKinds = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts'] as const;
export type NamespaceKind = (typeof namespaceKinds)[number];

/** A fact about a process cannot be read, or not understood. `gone`: because there is no such process any more. */
export class ProcessReadError extends Error {
  readonly gone: boolean;

  constructor(file: string, cause: unknown) {
    const code = errnoName(cause);
    super(`${file} cannot be read: ${code ?? (cause instanceof Error ? cause.message : String(cause))}`, {
      cause,
    });
    this.name = 'ProcessReadError';
    this.gone = code === 'ENOENT' || code === 'ESRCH';
  }
}

/** A process by its number, or the one that asks. */
export type ProcessName = number | 'self';

/** State and start time. Throws ProcessReadError. */
export function readProcessStat(process: ProcessName): ProcessStat {
  return read(`/proc/${process}/stat`, (file) => parseProcessStat(readFileSync(file, 'latin1')));
}

/**
 * Path of the control group: of the unified hierarchy where there is one, else of systemd's own, else null.
 * Throws ProcessReadError, also for a path that is no UTF-8: it could not be told from others.
 */
export function readCgroup(process: ProcessName): string | null {
  return read(`/proc/${process}/cgroup`, (file) => parseCgroup(utf8Decode(readFileSync(file))));
}

/** Inode number of one of the process's namespaces: two processes share a namespace if it is equal. Throws ProcessReadError. */
export function readNamespace(process: ProcessName, kind: NamespaceKind): string {
  return read(`/proc/${process}/ns/${kind}`, (file) => namespaceInode(readlinkSync(file)));
}

/** The inode number in a link like `mnt:[4026531832]`. Throws SyntaxError. */
export function namespaceInode(link: string): string {
  const inode = /^[a-z]+:\[(\d+)\]$/.exec(link)?.[1];
  if (inode === undefined) throw new SyntaxError('the link names no namespace');
  return inode;
}

/** Picks the path out of the lines of /proc/PID/cgroup, each `hierarchy:controllers:path` (cgroups(7)). */
export function parseCgroup(lines: string): string | null {
  const paths = new Map<string, string>();
  for (const line of lines.split('\n')) {
    const [, hierarchy, path] = /^(\d+:[^:]*):(.*)$/.exec(line) ?? [];
    if (hierarchy === undefined || path === undefined) continue;
    paths.set(hierarchy.replace(/^[1-9]\d*:name=systemd$/, 'systemd'), path);
  }
  return paths.get('0:') ?? paths.get('systemd') ?? null;
}

function read<Fact>(file: string, parse: (file: string) => Fact): Fact {
  try {
    return parse(file);
  } catch (cause) {
    throw new ProcessReadError(file, cause);
  }
}
