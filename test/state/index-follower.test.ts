/** The index as the daemon uses it: real files, a real thread, and a log in memory with real encodings and roots. */

import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import Database from 'better-sqlite3';
import type { IndexSource } from '../../src/state/index-follower.js';
import { projectRoot } from '../../src/state/locations.js';
import { grantSubmission, openLog, origin, SoftwareSigner } from '../log/software-log.js';
import { IndexSetting, idsOf, patienceMs, sealedLog } from './index-setting.js';
import { execution, fill, MemoryLog, redemption, refusal, revocation, someId } from './index-source.js';

let setting: IndexSetting;

beforeEach(() => {
  setting = new IndexSetting();
});
afterEach(() => setting.remove());

describe('a running index', () => {
  it('follows each seal, and only what is sealed', async () => {
    const log = new MemoryLog();
    const opened = await setting.follow(log);
    const parent = log.addStatement(execution());
    const children = [1, 2].map(() => log.addStatement(execution(['echo'], parent.id)));
    log.seal();
    const unsealed = log.addStatement(execution(['echo'], parent.id));
    opened.notify();
    await opened.reach(3, patienceMs);
    assert.equal(opened.position, 3);
    assert.equal(await opened.find(parent.id), 0);
    assert.equal(await opened.find(unsealed.id), null);
    assert.deepEqual(
      await opened.children(parent.id),
      children.map(({ id, index: idx }) => ({ id, idx })),
    );
    log.seal();
    opened.notify();
    await opened.reach(4, patienceMs);
    assert.equal(await opened.find(unsealed.id), 3);
    assert.deepEqual(log.reads, [0, 1, 2, 3]);
    assert.deepEqual(setting.troubles, []);
  });

  it('says when it does not get there in time', async () => {
    const opened = await setting.follow(new MemoryLog());
    await assert.rejects(opened.reach(1, 20), {
      code: 'INDEX_UNAVAILABLE',
      message: 'the index covers fewer than 1 log entries after 20 ms',
    });
  });

  it('refuses queries and waits once it is closed', async () => {
    const opened = await setting.follow(sealedLog(1));
    const waiting = assert.rejects(opened.reach(2, patienceMs), { message: 'the index is closed' });
    await opened.close();
    await waiting;
    const refusal = { code: 'INDEX_UNAVAILABLE', message: 'the index is closed' };
    await assert.rejects(opened.find(someId(1)), refusal);
    await assert.rejects(opened.children(someId(1)), refusal);
    await assert.rejects(opened.reach(0, patienceMs), refusal);
    opened.notify();
    await opened.close();
  });

  it('lets other work run between its batches', async () => {
    const log = sealedLog(1280);
    const positions = new Set<number>();
    const opened = await setting.follow(log);
    while (opened.position < 1280) {
      positions.add(opened.position);
      await nextTurn();
    }
    assert.ok(positions.size >= 10, `seen only at ${[...positions].join(', ')}`);
  });
});

describe('a start on an existing file', () => {
  it('resumes where the last run ended', async () => {
    const log = sealedLog(100);
    await setting.followOnce(log);
    log.reads.length = 0;
    fill(log, 50);
    log.seal();
    await setting.followOnce(log);
    assert.deepEqual(
      log.reads,
      Array.from({ length: 50 }, (_, position) => 100 + position),
    );
    assert.deepEqual(setting.indexedIds(), idsOf(log));
    assert.deepEqual(setting.troubles, []);
  });

  it('begins anew for a log with another root at its size', async () => {
    await setting.followOnce(sealedLog(40));
    const other = sealedLog(60, 1);
    await setting.followOnce(other);
    assert.deepEqual(setting.indexedIds(), idsOf(other));
    assert.deepEqual(setting.troubles, [
      `${setting.path} does not belong to this log; the index is made again from the log`,
    ]);
  });

  it('begins anew for a log of another origin with the same entries', async () => {
    const log = sealedLog(10);
    await setting.followOnce(log);
    const other = new MemoryLog('log.example/other');
    for (const { kind, payloadType, payload } of log.entries) other.add(kind, payloadType, payload);
    other.seal();
    await setting.followOnce(other);
    assert.deepEqual(setting.indexedIds(), idsOf(other));
    assert.equal(other.reads.length, 10);
    assert.equal(setting.troubles.length, 1);
  });

  it('begins anew for a log that is shorter than the index', async () => {
    await setting.followOnce(sealedLog(40));
    const restored = sealedLog(10);
    await setting.followOnce(restored);
    assert.deepEqual(setting.indexedIds(), idsOf(restored));
    assert.equal(setting.troubles.length, 1);
  });

  it('loses nothing when the file was deleted', async () => {
    const log = sealedLog(40);
    await setting.followOnce(log);
    rmSync(setting.path);
    await setting.followOnce(log);
    assert.deepEqual(setting.indexedIds(), idsOf(log));
    assert.deepEqual(setting.troubles, []);
  });

  it('begins anew on a damaged file', async () => {
    const log = sealedLog(200);
    await setting.followOnce(log);
    setting.overwrite(100, readFileSync(setting.path).length - 100);
    await setting.followOnce(log);
    assert.deepEqual(setting.indexedIds(), idsOf(log));
    assert.match(
      setting.troubles[0] ?? '',
      /\(SQLITE_CORRUPT|NOTADB\); the index is made again from the log$/,
    );
  });
});

it('follows a log on disk, and resumes on it after a restart of both', async () => {
  const signer = new SoftwareSigner();
  const run = async (): Promise<unknown[]> => {
    const { log, recovered, replayed } = await openLog(setting.directory, signer);
    const source: IndexSource = {
      origin,
      sealedSize: () => log.seal?.size ?? 0,
      rootAt: (size) => recovered.tree.root(size),
      frames: (from, to) => log.frames(from, to),
    };
    const index = await setting.follow(source);
    const before = index.position;
    const results = await Promise.all(Array.from({ length: 300 }, () => log.append(grantSubmission())));
    await index.reach(replayed.length + 300, patienceMs);
    await index.close();
    await log.close();
    assert.equal(before, replayed.length);
    return results.map((result) => (result.outcome === 'sealed' ? result.id : result.denial));
  };
  const ids = [...(await run()), ...(await run())];
  assert.deepEqual(setting.indexedIds(), ids);
  assert.deepEqual(setting.troubles, []);
});

it('answers the questions of docs/index.md, which explains every column', async () => {
  const log = new MemoryLog();
  const parent = log.addStatement(execution());
  const child = log.addStatement(execution(['echo', 'child'], parent.id));
  log.addStatement(refusal());
  log.addRecord(redemption(parent.id, parent.index));
  log.addRecord(revocation(parent.id, parent.index, 1000));
  log.seal();
  await setting.followOnce(log);
  const page = readFileSync(join(projectRoot, 'docs', 'index.md'), 'utf8');
  const queries = [...page.matchAll(/```sql\n(.*?)```/gs)].map(([, sql = '']) => sql);
  const database = new Database(setting.path, { readonly: true });
  const columns = database.prepare<[], string>("SELECT name FROM pragma_table_info('entries')").pluck().all();
  const answers = queries.map((sql) => database.prepare(sql).all());
  database.close();
  for (const column of columns) assert.match(page, new RegExp(`^\\|.*\`${column}\`.* \\|`, 'm'));
  assert.deepEqual(answers, [
    [{ uid: 1000, codes: 'POLICY_DENIED EXPIRED', denials: 1 }],
    [{ idx: child.index, time: '2026-01-31T12:00:00.000Z', uid: 1000, action: 'execute echo child' }],
    [
      { idx: parent.index, depth: 0, action: 'execute echo hello' },
      { idx: child.index, depth: 1, action: 'execute echo child' },
    ],
  ]);
});
