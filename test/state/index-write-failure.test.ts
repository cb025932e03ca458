/**
 * Writes that really fail: a file size limit (setrlimit(2), RLIMIT_FSIZE) stands in for a full disk. It holds for the
 * whole process, hence a test file, and so a process, of its own.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openIndex } from '../../src/state/index-follower.js';
import { fill, MemoryLog } from './index-source.js';

/** The soft limit only, so that it can be raised again. */
function limitFileSize(limit: number | 'unlimited'): void {
  execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${limit}:`]);
}

it('reports a write that fails, and catches up once writing works again', { timeout: 30_000 }, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'writ-index-full-'));
  const log = new MemoryLog();
  fill(log, 1000);
  log.seal();
  const troubles: string[] = [];
  limitFileSize(256 * 1024);
  const index = await openIndex({
    path: join(directory, 'index.sqlite'),
    source: log,
    onTrouble: (sentence) => troubles.push(sentence),
    firstRetryMs: 5,
  });
  try {
    while (troubles.length < 2) await delay(5);
    assert.match(
      troubles[0] ?? '',
      /index\.sqlite cannot be written: .* \(SQLITE_(?:IOERR_WRITE|FULL)\); the log is not/,
    );
    assert.ok(index.position > 0 && index.position < 1000);
    limitFileSize('unlimited');
    while (index.position < 1000) await delay(5);
    assert.deepEqual(await Promise.all(log.entries.map(({ id }) => index.find(id))), [...log.entries.keys()]);
  } finally {
    limitFileSize('unlimited');
    await index.close();
    rmSync(directory, { recursive: true });
  }
});
