/** Facts of a live process, read in one go through its pidfd, so that they can be compared as one text. */

import { utf8Decode } from '../format/utf8.js';
import { nativeAddon } from './addon.js';
import { type NamespaceKind, namespaceInode, namespaceKinds, parseCgroup } from './process.js';

export interface ProcessFacts {
  /** As fileIdentity() writes it: which file is executed, and in which state it is. */
  readonly executableIdentity: string;
  /** The kernel's name of that file, as bytes; ` (deleted)` at its end if it has none any more. */
  readonly executablePath: Uint8Array;
  /** As of `readCgroup`. */
  readonly cgroup: string | null;
  /** Inode numbers, as of `readNamespace`. */
  readonly namespaces: Readonly<Record<NamespaceKind, string>>;
}

/**
 * The facts of the process that both numbers stand for, as a text: equal texts mean equal facts, and that the process
 * lived after they were read. Null when it has ended, or one of them cannot be read.
 */
export function glanceAtProcess(pid: number, pidfd: number): string | null {
  return nativeAddon().processFacts(pid, pidfd);
}

/** What a glance showed; null where the kernel gave something that cannot be understood, such as a path that is no UTF-8. */
export function parseProcessFacts(glance: string): ProcessFacts | null {
  const [executableIdentity, path, cgroup, ...links] = glance.split('\0');
  if (executableIdentity === undefined || path === undefined || cgroup === undefined) return null;
  try {
    const namespaces = Object.fromEntries(
      namespaceKinds.map((kind, position) => [kind, namespaceInode(links[position] ?? '')]),
    ) as Record<NamespaceKind, string>;
    return {
      executableIdentity,
      executablePath: Buffer.from(path, 'latin1'),
      cgroup: parseCgroup(utf8Decode(Buffer.from(cgroup, 'latin1'))),
      namespaces,
    };
  } catch (cause) {
    if (cause instanceof SyntaxError || cause instanceof TypeError) return null;
    throw cause;
  }
}
