import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { checkDisk } from '../../../src/cli/doctor/disk.js';
import { deploymentAt, outcomesOf, textOf } from './examined.js';

const canMount = process.geteuid?.() === 0 && spawnSync('unshare', ['--mount', 'true']).status === 0;
const mounting = canMount ? {} : { skip: 'only root can mount a small file system' };

const examined = async (home: string) => checkDisk(await deploymentAt(home));

describe('the disk', () => {
  let home: string;
  before(() => {
    home = mkdtempSync(join(tmpdir(), 'writ-doctor-'));
  });
  after(() => rmSync(home, { recursive: true }));

  test('is written to, and nothing is left behind', async () => {
    const findings = await examined(home);
    assert.equal(textOf(findings, 'failed'), '');
    assert.deepEqual(readdirSync(home), []);
  });

  test('is skipped where there is no state', async () => {
    assert.deepEqual(outcomesOf(await examined(join(home, 'none')), 'disk'), ['skipped']);
  });
});

describe('a small file system in memory', mounting, () => {
  let home: string;
  const mount = (options: string) =>
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'writ-doctor', home]);
  before(() => {
    home = mkdtempSync(join(tmpdir(), 'writ-doctor-'));
    if (canMount) mount('size=1m,mode=0700');
  });
  after(() => {
    if (canMount) execFileSync('umount', [home]);
    rmSync(home, { recursive: true });
  });

  test('is warned of, and fails for want of room', async () => {
    const findings = await examined(home);
    assert.match(textOf(findings, 'warning'), /is on tmpfs: it is lost when the machine restarts/);
    assert.match(textOf(findings, 'failed'), /only 1\.0 MiB are free for the journal -> Make room/);
  });

  test('fails when it is full', async () => {
    spawnSync('dd', ['if=/dev/zero', `of=${join(home, 'full')}`, 'bs=64k']);
    assert.match(textOf(await examined(home), 'failed'), /cannot be written .* and synced: ENOSPC/);
    assert.deepEqual(readdirSync(home), ['full']);
    rmSync(join(home, 'full'));
  });

  test('fails when its inodes are used up', async () => {
    execFileSync('mount', ['-o', 'remount,nr_inodes=20', home]);
    assert.match(textOf(await examined(home), 'failed'), /only \d+ inodes are free/);
    for (let file = 0; file < 19; file++) spawnSync('touch', [join(home, String(file))]);
    assert.match(textOf(await examined(home), 'failed'), /cannot be written .*ENOSPC/);
  });

  test('fails when it may not be written to', async () => {
    execFileSync('mount', ['-o', 'remount,ro', home]);
    assert.match(textOf(await examined(home), 'failed'), /cannot be written .*EROFS/);
  });
});
