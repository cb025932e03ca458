/**
 * The index's database file: tables for people, and the position that the rows reach in the log. Rows and position
 * change in one transaction, so a kill at any moment leaves neither a gap nor a duplicate. Every call blocks: this runs
 * in the index's own thread.
 */

import { closeSync, existsSync, openSync, rmSync, statSync } from 'node:fs';
import type { ArtifactId } from '../format/artifact-id.js';
import type { EntryKind } from '../format/entry.js';
import {
  type ChildEntry,
  type Connections,
  connect,
  type IndexPosition,
  type KindedEntry,
} from './index-connections.js';
import { guarded, IndexStoreError } from './index-fault.js';
import type { IndexRow } from './index-row.js';

/** `discarded`: why an earlier file was deleted, as a sentence; null if none was. */
export interface OpenedStore {
  readonly store: IndexStore;
  readonly position: IndexPosition;
  readonly discarded: string | null;
}

const maxAbout = 100;

/**
 * Opens the file, or makes it; one that is damaged or of another schema version is deleted first. Throws IndexStoreError
 * (`unavailable`).
 */
export function openIndexStore(path: string): OpenedStore {
  try {
    return openOnce(path, null);
  } catch (cause) {
    if (!(cause instanceof IndexStoreError) || cause.fault !== 'unusable') throw cause;
    removeIndexFiles(path);
    return openOnce(path, cause.message);
  }
}

/** Deletes the database with what SQLite keeps beside it. Throws IndexStoreError (`unavailable`). */
export function removeIndexFiles(path: string): void {
  guarded(path, 'deleted', () => {
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${path}${suffix}`, { force: true });
  });
}

export class IndexStore {
  readonly #path: string;
  readonly #inode: number;
  readonly #connections: Connections;

  /** Throws IndexStoreError: `unusable` for a file that must be deleted first. */
  constructor(path: string) {
    this.#path = path;
    this.#inode = ensureFile(path);
    this.#connections = guarded(path, 'opened', () => connect(path));
  }

  /** Throws IndexStoreError, `unusable` when rows and position do not fit together. */
  position(): IndexPosition {
    return guarded(this.#path, 'read', () => {
      const { position, lastRow } = this.#connections;
      const found = position.get();
      if (found === undefined || found.size !== (lastRow.get()?.idx ?? -1) + 1) {
        throw new IndexStoreError('unusable', `the rows in ${this.#path} do not end where its position says`);
      }
      return found;
    });
  }

  /**
   * Adds the rows of the entries from `from` up to `to.size` and moves the position there, or does neither and throws
   * IndexStoreError: `unusable` if the position is not `from`, `unavailable` if the file is no longer at its path.
   */
  append(rows: readonly IndexRow[], from: number, to: IndexPosition): void {
    guarded(this.#path, 'written', () => {
      if (inodeOf(this.#path) !== this.#inode) {
        throw new IndexStoreError('unavailable', `${this.#path} was moved or deleted while it was in use`);
      }
      this.#connections.append(rows, from, to);
    });
  }

  /** Log index of the first entry with this id, or null. Throws IndexStoreError. */
  find(id: ArtifactId): number | null {
    return guarded(this.#path, 'read', () => this.#connections.find.get(id)?.idx ?? null);
  }

  /** The artifacts that name this one as their parent, oldest first. Throws IndexStoreError. */
  children(id: ArtifactId): readonly ChildEntry[] {
    return guarded(this.#path, 'read', () => this.#connections.children.all(id));
  }

  /**
   * What was logged about the entry at a log index, oldest first; of its leases only the first and the last, since a long run
   * renews thousands of times. At most `maxAbout`. Throws IndexStoreError.
   */
  about(idx: number): readonly KindedEntry[] {
    return guarded(this.#path, 'read', () => this.#connections.about.all(idx, idx, idx, maxAbout));
  }

  /** The newest entry of a kind before a log index, or null; with a `subject` only of that. Throws IndexStoreError. */
  newestBefore(kind: EntryKind, idx: number, subject: string | null): number | null {
    return guarded(this.#path, 'read', () => {
      const { newestBefore } = this.#connections;
      return newestBefore.get(kind, idx, subject, subject)?.idx ?? null;
    });
  }

  close(): void {
    this.#connections.reader.close();
    this.#connections.writer.close();
  }
}

function openOnce(path: string, discarded: string | null): OpenedStore {
  const store = new IndexStore(path);
  try {
    return { store, position: store.position(), discarded };
  } catch (cause) {
    store.close();
    throw cause;
  }
}

/** Makes a missing file readable for its owner only, since rows hold people's data, and returns the file's inode. */
function ensureFile(path: string): number {
  return guarded(path, 'made', () => {
    if (!existsSync(path)) {
      removeIndexFiles(path);
      closeSync(openSync(path, 'a', 0o600));
    }
    return statSync(path).ino;
  });
}

/** Null when there is no such file. */
function inodeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? null;
}
