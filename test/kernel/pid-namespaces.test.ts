/** The PID namespaces around real processes. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { nativeAddon } from '../../src/kernel/addon.js';
import { namespaceInode } from '../../src/kernel/process.js';

const addon = nativeAddon();
const own = namespaceInode(readlinkSync('/proc/self/ns/pid'));

/** The one child of a process, once it has one. */
async function childOf(pid: number): Promise<number> {
  for (;;) {
    const found = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .find((name) => parentOf(name) === pid);
    if (found !== undefined) return Number(found);
    await pause(5);
  }
}

/** Null for a process that ended meanwhile. */
function parentOf(pid: string): number | null {
  try {
    const [, fields = ''] = /\) (.*)$/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1').trim()) ?? [];
    return Number(fields.split(' ')[1]);
  } catch {
    return null;
  }
}

test('a process of our own namespace is in that alone', () => {
  assert.deepEqual(addon.pidNamespaces(process.pid), [own]);
});

test('a process in a namespace inside another is in all of them, innermost first', {
  timeout: 30_000,
  skip: process.getuid?.() === 0 ? false : 'needs root to make PID namespaces',
}, async () => {
  const nested = ['--pid', '--fork', '--kill-child'];
  const words = [...nested, 'unshare', ...nested, 'sleep', '60'];
  const outer = spawn('unshare', words, { stdio: 'ignore' });
  try {
    const middle = await childOf(outer.pid ?? 0);
    const inner = await childOf(middle);
    const around = addon.pidNamespaces(inner);
    assert.equal(around.length, 3);
    assert.deepEqual(around.slice(1), addon.pidNamespaces(middle));
    assert.equal(around[2], own);
    assert.equal(new Set(around).size, 3);
  } finally {
    outer.kill('SIGKILL');
  }
});

test('a process that is gone is an error, and no argument but a pid is taken', () => {
  assert.throws(() => addon.pidNamespaces(4_194_303), { code: 'ENOENT', syscall: 'open /proc/PID/ns/pid' });
  assert.throws(() => addon.pidNamespaces('self' as unknown as number), TypeError);
});
