import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { checkKernel } from '../../../src/cli/doctor/machine.js';
import { textOf } from './examined.js';

/** Recorded files of /proc and /sys, since no machine lacks all of this at once. */
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'writ-doctor-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function record(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

const examined = (pid: number | null = null) =>
  checkKernel({ lock: pid === null ? { lock: 'free' } : { lock: 'held', pid } }, root);

describe('the kernel', { skip: process.platform !== 'linux' && 'only Linux has these' }, () => {
  test('that has everything is sound', () => {
    record('sys/kernel/security/lsm', 'lockdown,capability,landlock,yama\n');
    record('proc/self/mountinfo', '35 24 0:30 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n');
    record(
      'proc/self/limits',
      'Limit  Soft\nMax locked memory         8388608              8388608              bytes\n',
    );
    assert.equal(textOf(examined(), 'warning'), '');
    assert.match(textOf(examined(), 'ok'), /Landlock is there[\s\S]*mounted at \/sys\/fs\/cgroup/);
  });

  test('without Landlock, cgroup v2 or locked memory is warned of', () => {
    record('sys/kernel/security/lsm', 'capability,not-landlock');
    record('proc/self/mountinfo', '35 24 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n');
    record('proc/77/limits', 'Max locked memory         4096              4096              bytes\n');
    const warnings = textOf(examined(77), 'warning');
    assert.match(warnings, /no Landlock among the security modules \(capability,not-landlock\)/);
    assert.match(warnings, /no cgroup v2 hierarchy is mounted/);
    assert.match(warnings, /the daemon \(pid 77\) may lock only 4096 bytes of memory/);
  });

  test('that shows nothing is not guessed at', () => {
    const skipped = textOf(examined(78), 'skipped');
    assert.match(skipped, /Landlock: not known/);
    assert.match(skipped, /the limit of locked memory of the daemon \(pid 78\) cannot be read/);
  });
});
