/** Entries are looked for in a segment that may have been cut short since it was measured. */

import assert from 'node:assert/strict';
import { type FileHandle, open, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Journal } from '../../src/log/journal.js';
import { encodeFrame, type Frame } from '../../src/log/journal-frame.js';
import { findEntry, findFrames } from '../../src/log/journal-scan.js';
import { temporaryDirectory } from './software-log.js';

/** The second is longer than what is read at once. */
const payloadSizes = [500, 400_000, 700, 900];
/** Far more than any search here takes. */
const patienceMs = 5000;

const frames = payloadSizes.map(
  (sizeBytes, mark): Frame => ({
    frame: 'entry',
    leaf: new Uint8Array(200),
    payloadType: 'application/vnd.in-toto+json',
    payload: new Uint8Array(sizeBytes).fill(mark),
    attachment: new Uint8Array(),
  }),
);
const encoded = frames.map((frame) => encodeFrame(frame));
/** Where each frame begins, and where the last one ends. */
const bounds = [0];
for (const { length } of encoded) bounds.push((bounds.at(-1) ?? 0) + length);
const wholeBytes = bounds.at(-1) ?? 0;

describe('a segment that was cut short', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let path: string;
  before(async () => {
    directory = await temporaryDirectory();
    path = join(directory.path, '0000000000000000.journal');
  });
  after(() => directory.remove());

  async function cutTo(sizeBytes: number): Promise<Journal> {
    await truncate(path, 0).catch(() => undefined);
    const { journal } = await Journal.open(directory.path, () => undefined);
    await journal.append(frames);
    await truncate(path, sizeBytes);
    return journal;
  }

  /** A search that never ends is ended by closing its file. */
  async function search<Found>(look: (file: FileHandle) => Promise<Found>): Promise<Found> {
    const file = await open(path, 'r');
    const late = setTimeout(() => void file.close(), patienceMs);
    try {
      return await look(file);
    } finally {
      clearTimeout(late);
      await file.close();
    }
  }

  const cuts = [
    ...bounds.flatMap((bound) => [bound - 1, bound, bound + 1, bound + 8, bound + 9, bound + 300]),
    300_000,
  ].filter((cut) => cut >= 0 && cut <= wholeBytes);

  for (const cut of cuts) {
    test(`to ${cut} of ${wholeBytes} bytes still has the entries before, and no others`, async () => {
      const journal = await cutTo(cut);
      await journal.close();
      const segment = { path, firstIndex: 0, sizeBytes: null };
      const known = { index: 0, offset: 0 };
      for (const [index, bytes] of encoded.entries()) {
        const isThere = (bounds[index + 1] ?? 0) <= cut;
        const raw = await search((file) => findFrames(file, segment, [index, index + 1], known, wholeBytes));
        assert.deepEqual(raw?.bytes ?? null, isThere ? Buffer.from(bytes) : null);
        const found = await search((file) => findEntry(file, segment, index, known, wholeBytes));
        assert.equal(found?.frame.payload[0] ?? null, isThere ? index : null);
      }
    });
  }

  test('is damage to whoever reads from it', async () => {
    const journal = await cutTo(bounds[1] ?? 0);
    const damage = { name: 'LogDamageError', message: /0000\.journal is damaged or missing/ };
    await assert.rejects(journal.readFrames(1, 2), damage);
    await assert.rejects(journal.read(1), damage);
    assert.equal((await journal.readFrames(0, 4)).end, 1);
    await journal.close();
  });
});
