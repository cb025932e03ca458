// The state directory's lock, among real processes.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type FileLock, lockFile } from '../../src/kernel/file-lock.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'writ-lock-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function lockOrFail(path: string): FileLock {
  const locked = lockFile(path);
  assert.equal(locked.outcome, 'locked');
  return locked.lock;
}

describe('lockFile', () => {
  it('makes the file for its owner alone and holds it until it is released', () => {
    const path = join(directory, 'lock');
    const lock = lockOrFail(path);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(lockFile(path), { outcome: 'held' });
    lock.release();
    lock.release();
    lockOrFail(path).release();
  });

  it('is held by another process until that one is killed', async () => {
    const path = join(directory, 'lock');
    const module = new URL('../../src/kernel/file-lock.js', import.meta.url).href;
    const script = `const { lockFile } = await import(${JSON.stringify(module)});
      console.log(lockFile(process.argv[1]).outcome);
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    const [line] = await once(child.stdout, 'data');
    assert.equal(String(line), 'locked\n');
    assert.deepEqual(lockFile(path), { outcome: 'held' });
    child.kill('SIGKILL');
    await exited;
    lockOrFail(path).release();
  });

  it('follows no symbolic link and names a directory that is missing', () => {
    symlinkSync('elsewhere', join(directory, 'link'));
    assert.throws(() => lockFile(join(directory, 'link')), { code: 'ELOOP', syscall: 'open' });
    assert.throws(() => lockFile(join(directory, 'none', 'lock')), { code: 'ENOENT', syscall: 'open' });
    assert.throws(() => lockFile('a\0b'), { name: 'TypeError', message: 'a path cannot hold NUL' });
  });
});
