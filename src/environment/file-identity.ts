/** Which file, in which state: equal as long as nothing was written to it, and its owner and mode are the same. */

import type { BigIntStats } from 'node:fs';

/** Device, inode, size, and times in nanoseconds, as one text that serves as key. */
export function fileIdentity({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}
