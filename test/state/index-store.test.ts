/** The database file by itself: what one transaction holds together, and which files are thrown away. */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { type IndexPosition, schemaVersion } from '../../src/state/index-connections.js';
import { type IndexRow, rowOf } from '../../src/state/index-row.js';
import { openIndexStore } from '../../src/state/index-store.js';
import { execution, fill, MemoryLog, someId } from './index-source.js';

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'writ-index-store-'));
  path = join(directory, 'index.sqlite');
});
afterEach(() => rmSync(directory, { recursive: true }));

function rowsOf(log: MemoryLog): IndexRow[] {
  return log.entries.map(rowOf);
}

function positionAt(log: MemoryLog, size: number): IndexPosition {
  return { origin: log.origin, size, root: log.rootAt(size) };
}

describe('openIndexStore', () => {
  it('makes an empty database that only its owner can read', () => {
    const { store, position, discarded } = openIndexStore(path);
    store.close();
    assert.equal(position.size, 0);
    assert.equal(discarded, null);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it('keeps what was appended', () => {
    const log = new MemoryLog();
    const parent = log.addStatement(execution());
    const child = log.addStatement(execution(['echo'], parent.id));
    const first = openIndexStore(path).store;
    first.append(rowsOf(log), 0, positionAt(log, 2));
    first.close();
    const { store, position } = openIndexStore(path);
    assert.deepEqual({ ...position, root: new Uint8Array(position.root) }, positionAt(log, 2));
    assert.equal(store.find(child.id), 1);
    assert.equal(store.find(someId(9)), null);
    assert.deepEqual(store.children(parent.id), [{ id: child.id, idx: 1 }]);
    assert.deepEqual(store.children(child.id), []);
    store.close();
  });

  it('tells what was logged about an entry: of its leases the first and the last, and the newest of a kind', () => {
    const log = new MemoryLog();
    const { id } = log.addStatement(execution());
    log.addStatement(execution(['other']));
    const rows = rowsOf(log);
    const [, row] = rows;
    assert.ok(row !== undefined);
    const about = (idx: number, kind: IndexRow['kind']): IndexRow => ({
      ...row,
      idx,
      kind,
      id: someId(idx),
      target: id,
      target_idx: 0,
    });
    const { store } = openIndexStore(path);
    const kinds = ['redemption', 'lease', 'lease', 'lease', 'end'] as const;
    store.append([...rows, ...kinds.map((kind, at) => about(at + 2, kind))], 0, positionAt(log, 2));
    assert.deepEqual(store.about(0), [
      { idx: 2, kind: 'redemption' },
      { idx: 3, kind: 'lease' },
      { idx: 5, kind: 'lease' },
      { idx: 6, kind: 'end' },
    ]);
    assert.deepEqual(store.about(1), []);
    assert.equal(store.newestBefore('lease', 5, null), 4);
    assert.equal(store.newestBefore('lease', 3, null), null);
    assert.equal(store.newestBefore('authorization', 9, row.subject), 1);
    assert.equal(store.newestBefore('authorization', 9, 'something else'), null);
    store.close();
  });

  const foreign: readonly [string, () => void, RegExp][] = [
    [
      'no database',
      () => writeFileSync(path, 'garbage'.repeat(1000)),
      /cannot be opened: file is not a database \(SQLITE_NOTADB\)$/,
    ],
    [
      'of another schema version',
      () => tamper(`PRAGMA user_version = ${schemaVersion + 1}`),
      /has schema version 2, this program writes 1$/,
    ],
    [
      'without its tables',
      () => tamper('DROP TABLE entries'),
      /cannot be opened: no such table: entries \(SQLITE_ERROR\)$/,
    ],
    [
      'shorter than its position',
      () => tamper('DELETE FROM entries WHERE idx = 9'),
      /do not end where its position says$/,
    ],
    ['without a position', () => tamper('DELETE FROM position'), /do not end where its position says$/],
  ];
  for (const [name, damage, reason] of foreign) {
    it(`makes a file anew that is ${name}, and says why`, () => {
      const log = new MemoryLog();
      fill(log, 10);
      const first = openIndexStore(path).store;
      first.append(rowsOf(log), 0, positionAt(log, 10));
      first.close();
      damage();
      const { store, position, discarded } = openIndexStore(path);
      store.close();
      assert.equal(position.size, 0);
      assert.match(discarded ?? '', reason);
    });
  }

  it('does not mistake a leftover write-ahead log for rows of a new file', () => {
    writeFileSync(`${path}-wal`, 'left over');
    const { store, position } = openIndexStore(path);
    store.close();
    assert.equal(position.size, 0);
  });

  it('deletes nothing that is merely out of reach', () => {
    mkdirSync(path);
    assert.throws(() => openIndexStore(path), { name: 'IndexStoreError', fault: 'unavailable' });
    assert.ok(statSync(path).isDirectory());
  });

  function tamper(sql: string): void {
    const database = new Database(path);
    database.exec(sql);
    database.close();
  }
});

describe('IndexStore.append', () => {
  it('adds either all rows with their position or nothing', () => {
    const log = new MemoryLog();
    fill(log, 3);
    const [first, second] = rowsOf(log);
    assert.ok(first !== undefined && second !== undefined);
    const { store } = openIndexStore(path);
    store.append([first], 0, positionAt(log, 1));
    assert.throws(() => store.append([second, first], 1, positionAt(log, 3)), {
      name: 'IndexStoreError',
      fault: 'unusable',
      message: `${path} cannot be written: UNIQUE constraint failed: entries.idx (SQLITE_CONSTRAINT_PRIMARYKEY)`,
    });
    assert.equal(store.position().size, 1);
    assert.equal(store.find(second.id), null);
    store.close();
  });

  it('refuses rows that do not continue the position', () => {
    const log = new MemoryLog();
    fill(log, 2);
    const { store } = openIndexStore(path);
    assert.throws(() => store.append(rowsOf(log), 1, positionAt(log, 2)), {
      fault: 'unusable',
      message: `${path} was changed by somebody else: it does not end at 1`,
    });
    store.close();
  });

  it('notices that its file was deleted', () => {
    const log = new MemoryLog();
    fill(log, 1);
    const { store } = openIndexStore(path);
    rmSync(path);
    assert.throws(() => store.append(rowsOf(log), 0, positionAt(log, 1)), {
      fault: 'unavailable',
      message: `${path} was moved or deleted while it was in use`,
    });
    store.close();
  });

  it('lets others read while it is open', () => {
    const log = new MemoryLog();
    fill(log, 5);
    const { store } = openIndexStore(path);
    store.append(rowsOf(log), 0, positionAt(log, 5));
    const reader = new Database(path, { readonly: true });
    assert.equal(reader.prepare('SELECT count(*) FROM entries').pluck().get(), 5);
    reader.close();
    store.close();
  });
});
