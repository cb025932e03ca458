/**
 * The index's database file: tables for people, and the position that the rows reach in the log. Rows and position
 * change in one transaction, so a kill at any moment leaves neither a gap nor a duplicate. Every call blocks: this runs
 * in the index's own thread.
 *
 * WAL mode lets people read while the daemon writes. `synchronous = NORMAL` may lose the last transactions in a power
 * failure, which costs nothing: they are read from the log again.
 *
 *   entries    one row for each sealed log entry; columns as in index-row.ts
 *   position   one row: the rows cover the first `size` entries of log `origin`, whose tree then had the hash `root`
 */

import { closeSync, existsSync, openSync, rmSync, statSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { ArtifactId } from '../format/artifact-id.js';
import type { EntryKind } from '../format/entry.js';
import type { IndexRow } from './index-row.js';

/** How far the rows reach: the first `size` entries of a log, and the root hash (32 bytes) of the tree over them. */
export interface IndexPosition {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

/** Where an entry lies, and what it is. */
export interface KindedEntry {
  readonly idx: number;
  readonly kind: EntryKind;
}

export interface ChildEntry {
  readonly id: ArtifactId;
  readonly idx: number;
}

/** `discarded`: why an earlier file was deleted, as a sentence; null if none was. */
export interface OpenedStore {
  readonly store: IndexStore;
  readonly position: IndexPosition;
  readonly discarded: string | null;
}

/** `unusable`: nothing in the file is worth keeping; delete it. `unavailable`: try again later. */
export type IndexFault = 'unusable' | 'unavailable';

/** A call that changed nothing. */
export class IndexStoreError extends Error {
  readonly fault: IndexFault;

  constructor(fault: IndexFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'IndexStoreError';
    this.fault = fault;
  }
}

/** Raise this with every change of tables or columns, or of what a column holds: older files are then made again. */
export const schemaVersion = 1;

const schema = `
  CREATE TABLE entries (
    idx INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    time TEXT NOT NULL,
    uid INTEGER,
    decision TEXT,
    codes TEXT,
    subject TEXT,
    action TEXT,
    parent TEXT,
    depth INTEGER,
    not_after TEXT,
    target TEXT,
    target_idx INTEGER
  ) STRICT;
  CREATE INDEX entries_by_id ON entries (id);
  CREATE INDEX entries_by_parent ON entries (parent) WHERE parent IS NOT NULL;
  CREATE INDEX entries_by_kind_and_time ON entries (kind, time);
  CREATE INDEX entries_by_target ON entries (target_idx) WHERE target_idx IS NOT NULL;
  CREATE TABLE position (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    origin TEXT NOT NULL,
    size INTEGER NOT NULL,
    root BLOB NOT NULL
  ) STRICT;
  INSERT INTO position VALUES (1, '', 0, x'');
  PRAGMA user_version = ${schemaVersion};
`;

/** Ids are random, so their index profits from a cache and from checkpoints that gather many pages. It is the daemon's memory. */
const settings = [
  'journal_mode = WAL',
  'synchronous = NORMAL',
  'cache_size = -16384',
  'wal_autocheckpoint = 8000',
];
const busyTimeoutMs = 1000;
const maxAbout = 100;

/** Codes of SQLite (sqlite.org/rescode.html) that mean: this is not, or no longer, the file that we wrote. */
const unusableCode = /^SQLITE_(?:CORRUPT|NOTADB|FORMAT|SCHEMA|MISMATCH|CONSTRAINT|ERROR)(?:_|$)/;

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

/** The writing connection, a read-only one for questions, and what is asked of them. */
interface Connections {
  readonly writer: Database.Database;
  readonly reader: Database.Database;
  readonly append: AppendTransaction;
  readonly position: Database.Statement<[], IndexPosition>;
  readonly lastRow: Database.Statement<[], { readonly idx: number | null }>;
  readonly find: Database.Statement<[string], { readonly idx: number }>;
  readonly children: Database.Statement<[string], ChildEntry>;
  readonly about: Database.Statement<[number, number, number, number], KindedEntry>;
  readonly newestBefore: Database.Statement<
    [EntryKind, number, string | null, string | null],
    { readonly idx: number }
  >;
}

type AppendTransaction = (rows: readonly IndexRow[], from: number, to: IndexPosition) => void;

function connect(path: string): Connections {
  const opened: Database.Database[] = [];
  const open = (options: Database.Options): Database.Database => {
    const database = new Database(path, { ...options, timeout: busyTimeoutMs });
    opened.push(database);
    return database;
  };
  try {
    const writer = open({});
    for (const setting of settings) writer.pragma(setting);
    ensureSchema(writer);
    const reader = open({ readonly: true });
    return {
      writer,
      reader,
      append: appendTransaction(writer),
      position: writer.prepare('SELECT origin, size, root FROM position'),
      lastRow: writer.prepare('SELECT max(idx) AS idx FROM entries'),
      find: reader.prepare('SELECT idx FROM entries WHERE id = ? ORDER BY idx LIMIT 1'),
      children: reader.prepare('SELECT id, idx FROM entries WHERE parent = ? ORDER BY idx'),
      about: reader.prepare(
        `SELECT idx, kind FROM entries WHERE target_idx = ? AND (kind <> 'lease' OR idx IN (
           SELECT min(idx) FROM entries WHERE target_idx = ? AND kind = 'lease'
           UNION SELECT max(idx) FROM entries WHERE target_idx = ? AND kind = 'lease'))
         ORDER BY idx LIMIT ?`,
      ),
      newestBefore: reader.prepare(
        `SELECT idx FROM entries WHERE kind = ? AND idx < ? AND (? IS NULL OR subject = ?)
         ORDER BY idx DESC LIMIT 1`,
      ),
    };
  } catch (cause) {
    for (const database of opened) database.close();
    throw cause;
  }
}

function ensureSchema(database: Database.Database): void {
  const version = database.pragma('user_version', { simple: true });
  const isEmpty = database.prepare('SELECT 1 FROM sqlite_schema').get() === undefined;
  if (isEmpty && version === 0) database.transaction(() => database.exec(schema))();
  else if (version !== schemaVersion) {
    const message = `${database.name} has schema version ${version}, this program writes ${schemaVersion}`;
    throw new IndexStoreError('unusable', message);
  }
}

function appendTransaction(database: Database.Database): AppendTransaction {
  const insert = database.prepare<[IndexRow]>(
    `INSERT INTO entries VALUES (@idx, @kind, @id, @time, @uid, @decision, @codes, @subject, @action, @parent, @depth,
      @not_after, @target, @target_idx)`,
  );
  const move = database.prepare<[string, number, Uint8Array, number]>(
    'UPDATE position SET origin = ?, size = ?, root = ? WHERE size = ?',
  );
  return database.transaction((rows: readonly IndexRow[], from: number, to: IndexPosition): void => {
    if (move.run(to.origin, to.size, to.root, from).changes !== 1) {
      throw new IndexStoreError(
        'unusable',
        `${database.name} was changed by somebody else: it does not end at ${from}`,
      );
    }
    for (const row of rows) insert.run(row);
  });
}

/** Runs one step on the file; what SQLite and the file system report becomes an IndexStoreError. */
function guarded<Result>(path: string, verb: string, step: () => Result): Result {
  try {
    return step();
  } catch (cause) {
    if (!(cause instanceof Error) || !('code' in cause) || typeof cause.code !== 'string') throw cause;
    const isUnusable = cause instanceof Database.SqliteError && unusableCode.test(cause.code);
    const message = `${path} cannot be ${verb}: ${cause.message} (${cause.code})`;
    throw new IndexStoreError(isUnusable ? 'unusable' : 'unavailable', message, { cause });
  }
}
