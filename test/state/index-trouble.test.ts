/** An index whose file, thread, directory or log fails while it runs: what it says, and that it ends up complete. */

import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { IndexSetting, idsOf, patienceMs, sealedLog } from './index-setting.js';
import { fill, MemoryLog, someId } from './index-source.js';

let setting: IndexSetting;

beforeEach(() => {
  setting = new IndexSetting();
});
afterEach(() => setting.remove());

describe('trouble while running', () => {
  it('finds damage when a query meets it, refuses that query, and begins anew', async () => {
    const log = sealedLog(200);
    await setting.followOnce(log);
    const page = setting.pageOf('entries_by_id');
    setting.overwrite((page.number - 1) * page.sizeBytes, page.sizeBytes);
    const opened = await setting.follow(log);
    assert.equal(opened.position, 200);
    const [entry] = log.entries.slice(-1);
    assert.ok(entry !== undefined);
    await assert.rejects(opened.find(entry.id), {
      name: 'IndexUnavailableError',
      code: 'INDEX_UNAVAILABLE',
      message: `${setting.path} cannot be read: database disk image is malformed (SQLITE_CORRUPT)`,
    });
    log.reads.length = 0;
    await setting.until(() => log.reads.length === 200 && opened.position === 200);
    assert.equal(await opened.find(entry.id), 199);
    assert.match(setting.troubles[0] ?? '', /malformed \(SQLITE_CORRUPT\); the log is not affected/);
  });

  it('makes the file again that was deleted under it', async () => {
    const log = sealedLog(40);
    const opened = await setting.follow(log);
    await opened.reach(40, patienceMs);
    rmSync(setting.path);
    fill(log, 10);
    log.seal();
    opened.notify();
    await setting.until(() => opened.position === 50);
    assert.deepEqual(setting.indexedIds(), idsOf(log));
    assert.match(
      setting.troubles[0] ?? '',
      /was moved or deleted while it was in use; the log is not affected/,
    );
  });

  it('leaves neither gap nor duplicate when its thread is killed again and again', async () => {
    const log = sealedLog(2000);
    const threads: Worker[] = [];
    const note = (thread: Worker): void => void threads.push(thread);
    process.on('worker', note);
    const opened = await setting.follow(log);
    // Each thread adds some rows and dies with the next ones under way.
    for (let kills = 1; kills <= 6; kills++) {
      await setting.until(
        () => threads.length === kills && opened.position >= 250 * kills,
        () => nextTurn(),
      );
      await threads.at(-1)?.terminate();
    }
    await setting.until(() => opened.position === 2000);
    process.off('worker', note);
    await opened.close();
    assert.deepEqual(setting.indexedIds(), idsOf(log));
    assert.ok(log.reads.length <= 2000 + 6 * 64, 'it resumed, and did not begin anew');
    assert.equal(setting.troubles.length, 6);
    for (const sentence of setting.troubles) {
      assert.equal(sentence, 'the index thread ended; the log is not affected, and the index tries again');
    }
  });

  it('waits for a directory that is not there', async () => {
    setting.path = join(setting.directory, 'later', 'index.sqlite');
    const log = sealedLog(5);
    const opened = await setting.follow(log);
    await assert.rejects(opened.find(someId(1)), { code: 'INDEX_UNAVAILABLE', message: /ENOENT/ });
    mkdirSync(join(setting.directory, 'later'));
    await setting.until(() => opened.position === 5);
    assert.match(
      setting.troubles[0] ?? '',
      /index\.sqlite cannot be made: ENOENT.*; the log is not affected/,
    );
  });

  it('names a log entry that cannot be read, and goes on when it can', async () => {
    const log = sealedLog(100);
    log.unreadable = 70;
    const opened = await setting.follow(log);
    await setting.until(() => setting.troubles.length > 1);
    assert.equal(
      setting.troubles[0],
      'the index cannot follow the log from entry 64: log entry 70 was changed; the log is not affected, and the index tries again',
    );
    assert.equal(opened.position, 64);
    log.unreadable = null;
    await setting.until(() => opened.position === 100);
    await opened.close();
    assert.deepEqual(setting.indexedIds(), idsOf(log));
  });

  it('stops before an entry that this version does not know', async () => {
    const log = sealedLog(64);
    log.addForeign();
    log.seal();
    const opened = await setting.follow(log);
    await setting.until(() => setting.troubles.length > 0);
    assert.match(
      setting.troubles[0] ?? '',
      /^log entry 64 cannot be indexed by this version: not a record of ours/,
    );
    assert.equal(opened.position, 64);
  });

  it('closes at once while it waits for a retry', async () => {
    setting.path = join(setting.directory, 'never', 'index.sqlite');
    const opened = await setting.follow(new MemoryLog(), 3_600_000);
    await opened.close();
    assert.equal(setting.troubles.length, 1);
  });
});
