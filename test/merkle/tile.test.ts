import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bundlesBetween, tilePath, tilesBetween } from '../../src/merkle/tile.js';

describe('tiles (C2SP tlog-tiles)', () => {
  test('an index is written in groups of three digits', () => {
    assert.equal(tilePath({ level: 0, index: 1234067, width: 256 }), 'tile/0/x001/x234/067');
    assert.equal(tilePath({ level: 'entries', index: 0, width: 17 }), 'tile/entries/000.p/17');
    assert.equal(tilePath({ level: 2, index: 999, width: 1 }), 'tile/2/999.p/1');
    assert.equal(tilePath({ level: 1, index: 1000, width: 256 }), 'tile/1/x001/000');
  });

  test("the specification's tree of 70,000 entries has its tiles", () => {
    const tiles = tilesBetween(0, 70_000);
    const count = (level: number, full: boolean) =>
      tiles.filter((tile) => tile.level === level && (tile.width === 256) === full).length;
    assert.equal(count(0, true), 273);
    assert.deepEqual(
      tiles.filter(({ level, width }) => level === 0 && width < 256),
      [{ level: 0, index: 273, width: 112 }],
    );
    assert.equal(count(1, true), 1);
    assert.deepEqual(
      tiles.filter(({ level, width }) => level === 1 && width < 256),
      [{ level: 1, index: 1, width: 17 }],
    );
    assert.deepEqual(
      tiles.filter(({ level }) => level === 2),
      [{ level: 2, index: 0, width: 1 }],
    );
    assert.equal(bundlesBetween(0, 70_000).length, 274);
  });

  test('only what changed lies between two sizes', () => {
    assert.deepEqual(tilesBetween(5, 5), []);
    assert.deepEqual(tilesBetween(5, 7), [{ level: 0, index: 0, width: 7 }]);
    assert.deepEqual(tilesBetween(255, 257), [
      { level: 0, index: 0, width: 256 },
      { level: 0, index: 1, width: 1 },
      { level: 1, index: 0, width: 1 },
    ]);
    assert.deepEqual(tilesBetween(256, 257), [{ level: 0, index: 1, width: 1 }]);
  });
});
