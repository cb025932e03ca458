/** The exclusive lock by which one process owns a state directory (flock(2)). It ends with its process, however that ends. */

import { nativeAddon } from './addon.js';
import { errnoName } from './errno.js';

export type LockOutcome =
  | { readonly outcome: 'locked'; readonly lock: FileLock }
  /** Somebody else holds it: another process, or this one by an earlier call. */
  | { readonly outcome: 'held' };

/** A lock that is held until `release`. The file itself stays: to remove it would let two owners lock two files. */
export class FileLock {
  #descriptor: number | null;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** Gives the lock up; a second call does nothing. */
  release(): void {
    if (this.#descriptor === null) return;
    nativeAddon().closeFd(this.#descriptor);
    this.#descriptor = null;
  }
}

/**
 * Tries to lock the file at `path`, made with mode 0600 if it is missing; never waits. Throws the system call's error
 * when the file cannot be opened (ENOENT, EACCES, ELOOP for a symbolic link, ...).
 */
export function lockFile(path: string): LockOutcome {
  try {
    return { outcome: 'locked', lock: new FileLock(nativeAddon().lockFile(path)) };
  } catch (error) {
    if (errnoName(error) === 'EWOULDBLOCK') return { outcome: 'held' };
    throw error;
  }
}
