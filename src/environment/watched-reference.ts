/** The reference as of now: read when the daemon starts, and again when the file is another one. */

import { statSync } from 'node:fs';
import { errnoName } from '../kernel/errno.js';
import { type EnvironmentReference, ReferenceFileError, readReference } from './reference.js';

export class WatchedReference {
  readonly #path: string;
  readonly #onTrouble: (error: ReferenceFileError) => void;
  #state: string;
  #current: EnvironmentReference | null;

  /**
   * Throws ReferenceFileError for a file that is wrong at the start; later it is told to `onTrouble`, once, and nothing
   * is accepted until it is right.
   */
  constructor(path: string, onTrouble: (error: ReferenceFileError) => void) {
    this.#path = path;
    this.#onTrouble = onTrouble;
    this.#state = stateOf(path);
    this.#current = readReference(path);
  }

  /** The reference that lies there now; null where there is none. Looks at the file each time, and reads it if it changed. */
  current(): EnvironmentReference | null {
    const state = stateOf(this.#path);
    if (state === this.#state) return this.#current;
    // Noted before the file is read: what changes meanwhile is another state, and is read the next time.
    this.#state = state;
    this.#current = null;
    try {
      this.#current = readReference(this.#path);
    } catch (cause) {
      if (!(cause instanceof ReferenceFileError)) throw cause;
      this.#onTrouble(cause);
    }
    return this.#current;
  }
}

/** Which file it is, in which state; a file that cannot be looked at has none, and is found out about by reading it. */
function stateOf(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join();
  } catch (cause) {
    const code = errnoName(cause);
    if (code === null) throw cause;
    return code;
  }
}
