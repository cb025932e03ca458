/** The journal's segments, open for reading: a bounded number of them, each for as long as somebody reads it. */

import { type FileHandle, open } from 'node:fs/promises';
import { LogClosedError } from './closed.js';

interface OpenFile {
  readonly handle: Promise<FileHandle>;
  users: number;
}

const maxOpenFiles = 32;

export class SegmentFiles {
  /** By path, the least recently used first. */
  readonly #files = new Map<string, OpenFile>();
  #closed = false;

  /**
   * Opens the file, or finds it open, and keeps it open while `read` runs. Rejects with what either throws, and with
   * LogClosedError after `close`.
   */
  async use<Result>(path: string, read: (file: FileHandle) => Promise<Result>): Promise<Result> {
    if (this.#closed) throw new LogClosedError();
    const file = this.#files.get(path) ?? { handle: open(path, 'r'), users: 0 };
    this.#files.delete(path);
    this.#files.set(path, file);
    file.users++;
    try {
      return await read(await file.handle);
    } catch (cause) {
      await this.#forgetUnopened(path, file);
      throw cause;
    } finally {
      file.users--;
      await this.#closeUnused(this.#closed ? 0 : maxOpenFiles);
    }
  }

  /** Closes what nobody reads now; the rest when its readers are done. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#closeUnused(0);
  }

  async #forgetUnopened(path: string, file: OpenFile): Promise<void> {
    const opened = await file.handle.then(
      () => true,
      () => false,
    );
    if (!opened && this.#files.get(path) === file) this.#files.delete(path);
  }

  async #closeUnused(limit: number): Promise<void> {
    for (const [path, { handle, users }] of this.#files) {
      if (this.#files.size <= limit) return;
      if (users > 0) continue;
      this.#files.delete(path);
      await (await handle).close();
    }
  }
}
