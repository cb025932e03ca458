/** The reference as of now: read when the daemon starts, and again when the file is another one. */

import { statSync } from 'node:fs';
import { errnoName } from '../kernel/errno.js';
import { type EnvironmentReference, ReferenceFileError, readReference } from './reference.js';

/** How long a change of the file may go unnoticed, in milliseconds. */
const lookEveryMs = 1000;

export class WatchedReference {
  readonly #path: string | null;
  readonly #onTrouble: (error: ReferenceFileError) => void;
  #state: string | null = null;
  #lookedAtMs: number;
  #current: EnvironmentReference | null;

  /**
   * `path` null: there is never a reference. Throws ReferenceFileError for a file that is wrong at the start; later it is told to
   * `onTrouble`, once, and nothing is accepted until it is right.
   */
  constructor(path: string | null, nowMs: number, onTrouble: (error: ReferenceFileError) => void) {
    this.#path = path;
    this.#onTrouble = onTrouble;
    this.#lookedAtMs = nowMs;
    this.#state = path === null ? null : stateOf(path);
    this.#current = path === null ? null : readReference(path);
  }

  get current(): EnvironmentReference | null {
    return this.#current;
  }

  /** Reads the file again if it changed, unless that was looked at a moment ago. `nowMs`: of any steady clock. */
  refresh(nowMs: number): void {
    if (this.#path === null || nowMs - this.#lookedAtMs < lookEveryMs) return;
    this.#lookedAtMs = nowMs;
    const state = stateOf(this.#path);
    if (state === this.#state) return;
    this.#state = state;
    this.#current = null;
    try {
      this.#current = readReference(this.#path);
    } catch (cause) {
      if (!(cause instanceof ReferenceFileError)) throw cause;
      this.#onTrouble(cause);
    }
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
