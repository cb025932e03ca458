/** The journal where one segment ends and the next begins. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { recordPayloadType } from '../../src/format/record.js';
import { Journal, JournalWriteError } from '../../src/log/journal.js';
import type { Frame } from '../../src/log/journal-frame.js';
import { temporaryDirectory } from './software-log.js';

const limitBytes = 1000;

/** A frame of 400 bytes and more, told apart by `mark`. */
function entry(mark: number): Frame {
  const payload = new Uint8Array(400).fill(mark);
  const nothing = new Uint8Array();
  return { frame: 'entry', leaf: nothing, payloadType: recordPayloadType, payload, attachment: nothing };
}

async function openJournal(directory: string): Promise<Journal> {
  const { journal, damage } = await Journal.open(directory, () => undefined, limitBytes);
  assert.equal(damage, null);
  return journal;
}

const segment = (firstIndex: number) => `${String(firstIndex).padStart(16, '0')}.journal`;

describe('the journal', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  before(async () => {
    directory = await temporaryDirectory();
  });
  after(() => directory.remove());
  const fresh = (name: string) => join(directory.path, name);

  test('leaves nothing of a failed write behind in a segment that ends', async () => {
    const journal = await openJournal(fresh('rest'));
    await journal.append([entry(0), entry(1), entry(2)]);
    // What a full disk leaves of a batch: bytes behind the last frame that counts.
    await appendFile(join(fresh('rest'), segment(0)), new Uint8Array(300));
    await journal.append([entry(3)]);
    await journal.sync();
    await journal.close();
    const again = await openJournal(fresh('rest'));
    assert.equal(again.entryCount, 4);
    assert.equal((await again.read(3)).payload[0], 3);
    await again.close();
  });

  test('leaves no checkpoint behind of a write that the full disk cut short', async (context) => {
    if (process.getuid?.() !== 0) return context.skip('mounting a small file system needs root');
    const mount = fresh('full');
    execFileSync('mkdir', ['-p', mount]);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mount]);
    try {
      const journal = await openJournal(mount);
      await journal.append([entry(0)]);
      const filler = { ...entry(1), payload: new Uint8Array(100_000) } as Frame;
      const note = { frame: 'checkpoint', note: 'signed, but never in force' } as const;
      await assert.rejects(journal.append([note, filler]), JournalWriteError);
      // Killed now: the next start must not find a checkpoint that nobody was told of.
      const found: string[] = [];
      const again = await Journal.open(mount, ({ frame }) => found.push(frame));
      assert.deepEqual([found, again.damage], [['entry'], null]);
      await again.journal.close();
      await journal.append([entry(2)]);
      assert.equal((await journal.read(1)).payload[0], 2);
      await journal.close();
    } finally {
      execFileSync('umount', ['-l', mount]);
    }
  });

  test('begins a segment whose file an earlier attempt left behind', async () => {
    const journal = await openJournal(fresh('left'));
    await journal.append([entry(0), entry(1), entry(2)]);
    await writeFile(join(fresh('left'), segment(3)), 'left behind');
    await journal.append([entry(3)]);
    assert.equal((await journal.read(3)).payload[0], 3);
    await journal.close();
    const again = await openJournal(fresh('left'));
    assert.equal(again.entryCount, 4);
    await again.close();
  });

  test('can be read at every moment while segments end and begin', async () => {
    const journal = await openJournal(fresh('reads'));
    await journal.append([entry(0)]);
    let done = false;
    const reader = async () => {
      while (!done) {
        const index = journal.entryCount - 1;
        assert.equal((await journal.read(index)).payload[0], index);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const readers = Promise.all([reader(), reader(), reader(), reader()]);
    const writer = async () => {
      for (let mark = 1; mark < 200; mark++) await journal.append([entry(mark)]);
    };
    await Promise.race([writer(), readers]);
    done = true;
    await readers;
    await journal.close();
  });
});
