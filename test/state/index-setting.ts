/** A directory with an index in it, what the index reported, and what lies in its file. */

import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { type IndexSource, type LogIndex, openIndex } from '../../src/state/index-follower.js';
import { fill, MemoryLog } from './index-source.js';

/** Long enough for any machine; nothing waits that long when all is well. */
export const patienceMs = 30_000;

export class IndexSetting {
  readonly directory = mkdtempSync(join(tmpdir(), 'writ-index-'));
  readonly troubles: string[] = [];
  path = join(this.directory, 'index.sqlite');
  #index: LogIndex | null = null;

  async follow(source: IndexSource, firstRetryMs = 5): Promise<LogIndex> {
    const onTrouble = (sentence: string): void => void this.troubles.push(sentence);
    this.#index = await openIndex({ path: this.path, source, onTrouble, firstRetryMs });
    return this.#index;
  }

  /** Opens, follows to the end and closes. */
  async followOnce(source: IndexSource): Promise<void> {
    const opened = await this.follow(source);
    await opened.reach(source.sealedSize(), patienceMs);
    await opened.close();
  }

  async until(isDone: () => boolean, pause: () => Promise<unknown> = () => delay(5)): Promise<void> {
    const deadline = AbortSignal.timeout(patienceMs);
    while (!isDone()) {
      if (deadline.aborted) assert.fail(`not done; troubles: ${this.troubles.join(' | ')}`);
      await pause();
    }
  }

  /** Ids of all rows in order; fails unless their indexes run from 0 without gap. */
  indexedIds(): unknown[] {
    const database = new Database(this.path, { readonly: true });
    const rows = database
      .prepare<[], { readonly idx: number; readonly id: string }>('SELECT idx, id FROM entries ORDER BY idx')
      .all();
    database.close();
    assert.deepEqual(
      rows.map(({ idx }) => idx),
      [...rows.keys()],
    );
    return rows.map(({ id }) => id);
  }

  /** Number, from 1, of the first page of a table or index, and the size of a page. */
  pageOf(name: string): { readonly number: number; readonly sizeBytes: number } {
    const database = new Database(this.path, { readonly: true });
    const number = database.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').pluck().get(name);
    const sizeBytes = database.pragma('page_size', { simple: true });
    database.close();
    assert.ok(typeof number === 'number' && typeof sizeBytes === 'number');
    return { number, sizeBytes };
  }

  overwrite(offset: number, sizeBytes: number): void {
    const file = openSync(this.path, 'r+');
    writeSync(file, new Uint8Array(sizeBytes).fill(0xa5), 0, sizeBytes, offset);
    closeSync(file);
  }

  async remove(): Promise<void> {
    await this.#index?.close();
    rmSync(this.directory, { recursive: true });
  }
}

/** `seed` makes its entries differ from those of another log of the same size. */
export function sealedLog(count: number, seed = 0): MemoryLog {
  const log = new MemoryLog();
  fill(log, count, seed);
  log.seal();
  return log;
}

export function idsOf(log: MemoryLog): unknown[] {
  return log.entries.map(({ id }) => id);
}
