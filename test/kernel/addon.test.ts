// The native addon on real descriptors, and what it says when a system call fails.

import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { AddonError, loadAddon, nativeAddon } from '../../src/kernel/addon.js';

const addon = nativeAddon();

let directory: string;
let file: number;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'writ-addon-'));
  file = openSync(join(directory, 'file'), 'w');
});
after(() => {
  closeSync(file);
  rmSync(directory, { recursive: true });
});

describe('the native addon', () => {
  it('names the failed system call when it gets a file instead of a socket', () => {
    assert.throws(() => addon.connectedPeer(file, true), {
      code: 'ENOTSOCK',
      syscall: 'getsockopt SO_PEERCRED',
      message: 'ENOTSOCK: socket operation on non-socket, getsockopt SO_PEERCRED',
    });
  });

  it('refuses what is no descriptor before any system call', () => {
    for (const wrong of [-1, 1.5, Number.NaN, 2 ** 31]) {
      assert.throws(() => addon.pidfdAlive(wrong), {
        name: 'TypeError',
        message: 'expected one argument: a file descriptor',
      });
    }
  });

  it('takes no closed descriptor for a live process', () => {
    assert.throws(() => addon.pidfdAlive(1_000_000), { code: 'EBADF', syscall: 'poll' });
    assert.throws(() => addon.closeFd(1_000_000), { code: 'EBADF', syscall: 'close' });
  });

  it('takes announcements only from a socket', () => {
    assert.throws(() => addon.takeKernelEvents(file), {
      code: 'ENOTSOCK',
      syscall: 'recvmsg NETLINK_KOBJECT_UEVENT',
    });
    assert.throws(() => addon.takeKernelEvents(-1), {
      name: 'TypeError',
      message: 'expected one argument: a file descriptor',
    });
  });

  it('tells the file system of an open file', () => {
    const proc = openSync('/proc/self/stat', 'r');
    try {
      assert.equal(addon.fileSystem(proc).type, 0x9fa0);
    } finally {
      closeSync(proc);
    }
  });

  it('reads the clock that /proc/uptime shows', () => {
    const earlierMs = addon.bootTimeMs();
    const uptimeMs = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
    // /proc/uptime has a resolution of ten milliseconds and is rounded down.
    assert.ok(uptimeMs >= earlierMs - 10, `${uptimeMs} >= ${earlierMs}`);
    assert.ok(addon.bootTimeMs() >= uptimeMs);
  });

  it('says what to do when it is missing or is another library', () => {
    const missing = join(directory, 'missing.node');
    assert.throws(() => loadAddon(missing), {
      name: 'AddonError',
      message: `The native addon ${missing} cannot be used: run \`npm run build\`.`,
    });
    const other = join(directory, 'other.cjs');
    writeFileSync(other, 'module.exports = { closeFd() {} };');
    assert.throws(() => loadAddon(other), AddonError);
  });
});
