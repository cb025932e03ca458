/**
 * The index's tables, and the two connections to them with every statement that is put to them.
 *
 * WAL mode lets people read while the daemon writes. `synchronous = NORMAL` may lose the last transactions in a power
 * failure, which costs nothing: they are read from the log again.
 *
 *   entries    one row for each sealed log entry; columns as in index-row.ts
 *   position   one row: the rows cover the first `size` entries of log `origin`, whose tree then had the hash `root`
 */

import Database from 'better-sqlite3';
import type { ArtifactId } from '../format/artifact-id.js';
import type { EntryKind } from '../format/entry.js';
import { IndexStoreError } from './index-fault.js';
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

/** The writing connection, a read-only one for questions, and what is asked of them. */
export interface Connections {
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

/**
 * Opens both connections; an empty file gets its tables. Throws IndexStoreError (`unusable`) for tables of another schema
 * version, and what SQLite throws.
 */
export function connect(path: string): Connections {
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
