/** What snapshots are made of, against plain maps: sorting in slices, pairs on disk, runs of ids, positions of frames. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import type { ArtifactId } from '../../src/format/artifact-id.js';
import { LogDamageError } from '../../src/log/damage.js';
import { JournalPositions, positionStride, spanEntries } from '../../src/log/journal-positions.js';
import { BitList } from '../../src/state/bit-list.js';
import { rangeEntries, tagOf } from '../../src/state/id-index.js';
import { findPairs, pairTable } from '../../src/state/pair-table.js';
import { sortInSlices } from '../../src/state/sliced-sort.js';
import { PairList } from '../../src/state/span.js';
import { ViewStore } from '../../src/state/view-store.js';
import { LogViews } from '../../src/state/views.js';
import { temporaryDirectory } from '../log/software-log.js';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
before(async () => {
  directory = await temporaryDirectory();
});
after(() => directory.remove());

describe('sorting in slices', () => {
  test('gives what sorting at once gives', async () => {
    for (const length of [0, 1, 2, 4095, 4096, 4097, 8192, 20_000, 70_001]) {
      const values = Float64Array.from({ length }, () => Math.floor(Math.random() * 1000));
      const expected = Float64Array.from(values).sort();
      assert.deepEqual(await sortInSlices(values), expected);
    }
  });
});

describe('a bit list', () => {
  test('has what was added, and nothing else', () => {
    const index = fc.oneof(fc.nat(200_000), fc.nat(0xffff_fffe));
    fc.assert(
      fc.property(fc.array(index), index, (added, other) => {
        const bits = new BitList();
        for (const one of added) bits.add(one);
        assert.ok(added.every((one) => bits.has(one)));
        assert.equal(bits.has(other), added.includes(other));
      }),
    );
  });
});

describe('pairs on disk', () => {
  test('are found by their key as in a list', async () => {
    const path = join(directory.path, 'pairs');
    const file = await open(path, 'w+');
    const key = fc.nat(1500);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(key, fc.nat(0xffff_fffe)), { maxLength: 3000, size: 'max' }),
        fc.array(key, { minLength: 10, maxLength: 10 }),
        async (given, wanted) => {
          const list = new PairList();
          for (const [first, second] of given) list.add(first, second);
          const pairs = await list.sorted();
          await file.truncate(0);
          await file.write(pairs, 0, pairs.byteLength, 24);
          const table = pairTable(pairs, 24);
          for (const one of wanted) {
            const expected = given.filter(([first]) => first === one).map(([, second]) => second);
            assert.deepEqual(await findPairs(file, table, one), expected);
            assert.equal(list.newest(one), expected.at(-1) ?? null);
          }
        },
      ),
      { numRuns: 30 },
    );
    await file.close();
  });

  test('that were cut short are damage, not the absence of a key', async () => {
    const file = await open(join(directory.path, 'short'), 'w+');
    const table = pairTable(Uint32Array.of(1, 10, 2, 20), 0);
    await assert.rejects(findPairs(file, table, 1), LogDamageError);
    await file.close();
  });
});

describe('runs of ids', () => {
  test('find every id of a complete range, and give what they cannot tell apart', async () => {
    const store = await ViewStore.open(join(directory.path, 'runs'));
    const views = new LogViews(store);
    const ids: ArtifactId[] = [];
    const nextId = (): ArtifactId => `sha3-512:${randomBytes(64).toString('hex')}`;
    for (let index = 0; index < rangeEntries; index++) {
      // Some ids begin alike.
      const id: ArtifactId = index % 1000 === 7 ? `sha3-512:${'5'.repeat(8)}${nextId().slice(17)}` : nextId();
      ids.push(id);
      views.apply({ index, id, kind: 'denial', record: null });
    }
    await store.appendRun(await views.sortedRange(0));
    views.releaseRange(0);
    for (let index = 0; index < rangeEntries; index += 4999) {
      const id = ids[index] ?? assert.fail();
      assert.deepEqual(views.recentCandidates(id), []);
      assert.ok((await views.olderCandidates(id)).includes(index), `entry ${index} is not found`);
    }
    const alike = await views.olderCandidates(`sha3-512:${'5'.repeat(128)}`);
    const expected = ids.flatMap((id, index) => (tagOf(id) === 0x5555_5555 ? [index] : []));
    assert.deepEqual(alike, expected);
    await store.close();
  });
});

describe('positions of frames', () => {
  test('are never behind the entry, and at most a stride before it', () => {
    const positions = new JournalPositions();
    const size = 5 * spanEntries + 100;
    for (let index = 0; index < size; index++) positions.add(index * 10);
    for (let index = 0; index < size; index += 997) {
      const { index: near, offset } = positions.before(index);
      assert.ok(near <= index && index - near < positionStride);
      assert.equal(offset, near * 10);
      const behind = positions.after(index);
      assert.ok(behind === null || (behind.index > index && behind.offset === behind.index * 10));
    }
  });

  test('are the same for older entries when only anchors are known', () => {
    const whole = new JournalPositions();
    for (let index = 0; index < 2 * spanEntries; index++) whole.add(index * 10);
    const restored = new JournalPositions([whole.anchorsOf(0), whole.anchorsOf(1)]);
    assert.equal(restored.size, 2 * spanEntries);
    assert.deepEqual(restored.before(spanEntries + 21), {
      index: spanEntries + 16,
      offset: (spanEntries + 16) * 10,
    });
    assert.throws(() => restored.anchorsOf(2), RangeError);
  });
});
