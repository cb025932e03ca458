// The watch for another generation of this virtual machine, on the kernel's own announcements. No test can take the machine back;
// instead the kernel is given the announcement to pass on, in a network namespace of the test's own.

import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { nativeAddon } from '../../src/kernel/addon.js';
import { parseKernelLogRecord } from '../../src/kernel/kernel-log-record.js';
import { GenerationWatch } from '../../src/kernel/vm-generation.js';
import {
  announce,
  inNewNetwork,
  newGeneration,
  noNewNetwork,
  withoutKernelLog,
} from './network-namespace.js';

const harmlessDevice = '/sys/devices/virtual/mem/null/uevent';
const listenerPath = fileURLToPath(new URL('generation-listener.js', import.meta.url));

const addonPath = fileURLToPath(new URL('../../../native/build/Release/writ_native.node', import.meta.url));

function mayOpen(path: string, mode: number): boolean {
  try {
    closeSync(openSync(path, mode));
    return true;
  } catch {
    return false;
  }
}

interface Seen {
  readonly generation: string;
  readonly gap: string | null;
}

class Listener {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor(launcher: readonly string[]) {
    const [program = '', ...rest] = [...launcher, process.execPath, listenerPath];
    this.#child = spawn(program, rest);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async next(): Promise<Seen> {
    const line = await this.#lines.next();
    assert.ok(line.done !== true, 'the listener ended');
    return JSON.parse(line.value) as Seen;
  }

  async look(): Promise<string> {
    this.#child.stdin.write('\n');
    return (await this.next()).generation;
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }
}

describe('GenerationWatch, among real announcements', { skip: noNewNetwork }, () => {
  let listener: Listener;
  afterEach(() => listener.close());

  const listen = async (launcher: readonly string[] = inNewNetwork): Promise<Seen> => {
    listener = new Listener(launcher);
    return listener.next();
  };

  it('sees the same generation while nothing is announced', async () => {
    assert.equal((await listen()).generation, 'same');
    assert.equal(await listener.look(), 'same');
  });

  it('sees another one when the kernel announces it, and goes on to see it', async () => {
    await listen();
    announce(listener.pid, 'by the kernel', newGeneration);
    assert.equal(await listener.look(), 'changed');
    assert.equal(await listener.look(), 'changed');
  });

  it('finds it behind many other announcements', async () => {
    await listen();
    announce(listener.pid, 'by the kernel', ['change@/devices/a', 'ACTION=change'], 500);
    announce(listener.pid, 'by the kernel', newGeneration);
    assert.equal(await listener.look(), 'changed');
  });

  it('believes only the kernel, whatever a process sends to the same group', async () => {
    await listen();
    announce(listener.pid, 'by a process', newGeneration, 3);
    assert.equal(await listener.look(), 'same');
    announce(listener.pid, 'by the kernel', newGeneration);
    assert.equal(await listener.look(), 'changed');
  });

  it('says when announcements were lost because too many waited', async () => {
    await listen();
    announce(listener.pid, 'by the kernel', ['change@/devices/a', `A=${'a'.repeat(1500)}`], 20_000);
    assert.equal(await listener.look(), 'lost');
    assert.equal(await listener.look(), 'lost');
  });

  it('names the gap where there is no log of the kernel', async () => {
    const { generation, gap } = await listen(withoutKernelLog);
    assert.equal(generation, 'same');
    assert.match(gap ?? '', /log cannot be read here \(ENODEV: no such device, open \/dev\/kmsg\)/);
  });

  it('knows a network namespace in which the kernel announces nothing', () => {
    const open = `require(${JSON.stringify(addonPath)}).openKernelEvents()`;
    const arguments_ = ['--user', '--map-root-user', '--net', process.execPath, '-e', open];
    const { stderr, status } = spawnSync('unshare', arguments_, { encoding: 'utf8' });
    assert.notEqual(status, 0);
    assert.match(stderr, /ENOTSUP: [^\n]*NS_GET_USERNS/);
  });
});

describe('GenerationWatch', () => {
  const provokable = mayOpen(harmlessDevice, constants.O_WRONLY)
    ? false
    : `needs the right to write to ${harmlessDevice}`;
  it('takes an announcement about another device for what it is', { skip: provokable }, () => {
    const watch = GenerationWatch.open();
    try {
      for (let times = 0; times < 3; times++) {
        writeFileSync(harmlessDevice, 'change');
        assert.equal(watch.check(), 'same');
      }
    } finally {
      watch.close();
    }
  });

  const readable = mayOpen('/dev/kmsg', constants.O_RDWR)
    ? false
    : 'needs the right to read and write /dev/kmsg';
  it('does not believe what somebody else writes into the log of the kernel', { skip: readable }, () => {
    const watch = GenerationWatch.open();
    try {
      // To user.notice: the kernel takes no other facility below eight from anybody.
      for (const priority of ['<13>', '<5>', ''])
        writeFileSync('/dev/kmsg', `${priority}random: crng reseeded due to virtual machine fork\n`);
      assert.equal(watch.check(), 'same');
      const addon = nativeAddon();
      const log = addon.openKernelLog();
      assert.equal(addon.takeKernelLog(log), null);
      writeFileSync('/dev/kmsg', 'writ: a record of a test\n');
      const records = addon.takeKernelLog(log)?.texts.map(parseKernelLogRecord) ?? [];
      assert.ok(records.some((record) => record?.message === 'writ: a record of a test' && !record.byKernel));
      addon.closeFd(log);
    } finally {
      watch.close();
    }
  });

  it('is closed twice without harm, and sees nothing any more', () => {
    const watch = GenerationWatch.open();
    watch.close();
    watch.close();
    assert.equal(watch.check(), 'same');
  });

  // A directory made as /sys has it.
  it('names the gap where the machine has no generation id', () => {
    const root = mkdtempSync(join(tmpdir(), 'writ-bus-'));
    const gapOf = (): string | null => {
      const watch = GenerationWatch.open(root);
      watch.close();
      return watch.gap;
    };
    try {
      if (/log cannot be read/.test(gapOf() ?? '')) return;
      const driver = join(root, 'platform/drivers/vmgenid');
      assert.match(gapOf() ?? '', /has no generation id/);
      mkdirSync(driver, { recursive: true });
      writeFileSync(join(driver, 'bind'), '');
      symlinkSync('/sys/module/vmgenid', join(driver, 'module'));
      assert.match(gapOf() ?? '', /has no generation id/);
      symlinkSync('/sys/devices/platform/VMGENCTR:00', join(driver, 'VMGENCTR:00'));
      assert.equal(gapOf(), null);
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
