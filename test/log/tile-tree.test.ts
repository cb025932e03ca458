/** A tree that was begun from the roots of spans believes a published tile only if it leads to them. */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { LogDamageError } from '../../src/log/damage.js';
import { spanEntries } from '../../src/log/journal-positions.js';
import { TileTree } from '../../src/log/tile-tree.js';
import { inclusionProof } from '../../src/merkle/proof.js';
import { tilePath, tileWidth } from '../../src/merkle/tile.js';
import { type Hash, leafHash } from '../../src/merkle/tree.js';

const tail = 300;
const size = spanEntries + tail;

function leaf(index: number): Hash {
  return leafHash(Buffer.from(`entry ${index}`));
}

describe('a tree begun from the root of a span', () => {
  const whole = new TileTree(() => assert.fail('nothing of it was released'));
  before(() => {
    for (let index = 0; index < size; index++) whole.append(leaf(index));
  });

  /** One whose tiles come from `whole`, changed on the way; and the paths of those that were read. */
  function begun(change: (path: string, hashes: Uint8Array) => Uint8Array): {
    readonly tree: TileTree;
    readonly reads: string[];
  } {
    const reads: string[] = [];
    const tree = new TileTree((level, index) => {
      const path = tilePath({ level, index, width: tileWidth });
      reads.push(path);
      return change(path, whole.tileHashes(level, index, tileWidth));
    });
    tree.appendSpans([whole.subtree(16, 0)]);
    for (let index = spanEntries; index < size; index++) tree.append(leaf(index));
    return { tree, reads };
  }

  const honest = (_: string, hashes: Uint8Array) => hashes;

  test('gives the same proofs as one that was never let go of, and reads each tile once', () => {
    const { tree, reads } = begun(honest);
    for (const index of [0, 255, 256, 700, spanEntries - 1, spanEntries, size - 1])
      assert.deepEqual(inclusionProof(index, size, tree.subtree), inclusionProof(index, size, whole.subtree));
    assert.deepEqual(reads.sort(), ['tile/0/000', 'tile/0/001', 'tile/0/002', 'tile/0/255', 'tile/1/000']);
  });

  const refusal = (path: string) => (cause: Error) => {
    assert.ok(cause instanceof LogDamageError);
    assert.equal(
      cause.message,
      `the published file ${path} is not the one that was sealed; restore it from a backup`,
    );
    return true;
  };

  test('refuses a tile that is not its own, each time, and nothing but that tile', () => {
    const changes: readonly ((hashes: Uint8Array) => Uint8Array)[] = [
      (hashes) => hashes.with(255 * 32 + 31, (hashes.at(-1) ?? 0) ^ 1),
      (hashes) => hashes.with(0, (hashes[0] ?? 0) ^ 0x80),
      (hashes) => hashes.subarray(0, 100),
      () => new Uint8Array(0),
    ];
    for (const change of changes) {
      const { tree } = begun((path, hashes) => (path === 'tile/0/002' ? change(hashes) : hashes));
      for (const level of [0, 3, 0])
        assert.throws(() => tree.subtree(level, (2 * tileWidth) >> level), refusal('tile/0/002'));
      assert.deepEqual(tree.subtree(0, 0), leaf(0));
    }
  });

  test('refuses a tile that fits one above it which is not its own', () => {
    const forged = new TileTree(() => assert.fail('nothing of it was released'));
    for (let index = 0; index < spanEntries; index++) forged.append(leaf(index === 700 ? -1 : index));
    const { tree, reads } = begun((path) => {
      const [, level, index] = path.split('/').map(Number);
      return forged.tileHashes(level ?? 0, index ?? 0, tileWidth);
    });
    assert.throws(() => tree.subtree(0, 700), refusal('tile/1/000'));
    assert.deepEqual(reads, ['tile/1/000']);
  });

  test('has no tile beyond its end', () => {
    const { tree, reads } = begun(honest);
    assert.throws(() => tree.subtree(0, size + tileWidth), RangeError);
    assert.throws(() => tree.subtree(40, 0), RangeError);
    assert.deepEqual(reads, []);
  });
});
