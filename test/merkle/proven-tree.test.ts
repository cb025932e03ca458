import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { equalBytes } from '../../src/format/bytes.js';
import { inclusionProof, ProofError, rootOfInclusion } from '../../src/merkle/proof.js';
import { ProvenTree } from '../../src/merkle/proven-tree.js';
import { type Hash, leafHash, nodeHash, type SubtreeSource, treeRoot } from '../../src/merkle/tree.js';

const leaves = Array.from({ length: 80 }, (_, number) => leafHash(Uint8Array.of(number)));
const subtree: SubtreeSource = (level, index) =>
  level === 0
    ? (leaves[index] ?? assert.fail('asked for a leaf beyond the tree'))
    : nodeHash(subtree(level - 1, 2 * index), subtree(level - 1, 2 * index + 1));

interface Proof {
  readonly leaf: Hash;
  readonly index: number;
  readonly path: readonly Hash[];
}

/** What the plain walk says of a proof: the reference. */
function alone({ leaf, index, path }: Proof, size: number): boolean | string {
  return wordOf(() => equalBytes(rootOfInclusion(leaf, index, size, path), treeRoot(size, subtree)));
}

function wordOf(check: () => boolean): boolean | string {
  try {
    return check();
  } catch (error) {
    assert.ok(error instanceof ProofError);
    return error.message;
  }
}

function honest(index: number, size: number): Proof {
  return { leaf: leaves[index] as Hash, index, path: inclusionProof(index, size, subtree) };
}

/** One way of spoiling a proof; most of them leave much of it right. */
const spoiling = fc.oneof(
  fc.record({ what: fc.constant('nothing' as const), at: fc.nat() }),
  fc.record({
    what: fc.constantFrom('bit', 'swap', 'drop', 'insert', 'index', 'leaf', 'node'),
    at: fc.nat(),
  }),
);

function spoil(proof: Proof, what: string, at: number, size: number): Proof {
  const { leaf, index, path } = proof;
  if (path.length === 0 && what === 'node') return proof;
  const position = path.length === 0 ? 0 : at % path.length;
  switch (what) {
    case 'bit':
      return { ...proof, path: path.map((hash, step) => (step === position ? flipped(hash, at) : hash)) };
    case 'swap':
      return { ...proof, path: path.toSpliced(position, 2, ...path.slice(position, position + 2).reverse()) };
    case 'drop':
      return { ...proof, path: path.toSpliced(position, 1) };
    case 'insert':
      return { ...proof, path: path.toSpliced(position, 0, leaf) };
    case 'index':
      return { ...proof, index: at % (size + 2) };
    case 'leaf':
      return { ...proof, leaf: flipped(leaf, at) };
    case 'node':
      // A hash that is right elsewhere in the tree.
      return { ...proof, path: path.with(position, leaves[(index + at) % size] as Hash) };
    default:
      return proof;
  }
}

function flipped(hash: Hash, at: number): Hash {
  const copy = hash.slice();
  copy[at % 32] = (copy[at % 32] ?? 0) ^ (1 << (at % 8));
  return copy;
}

describe('a tree head that remembers proven nodes', () => {
  test('says of each proof what the plain walk says, whatever it saw before', () => {
    const trial = fc.record({ index: fc.nat(), spoiling });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: leaves.length }),
        fc.array(trial, { minLength: 1, maxLength: 60 }),
        (size, trials) => {
          const tree = new ProvenTree(size, treeRoot(size, subtree));
          for (const { index, spoiling } of trials) {
            const proof = spoil(honest(index % size, size), spoiling.what, spoiling.at, size);
            assert.equal(
              wordOf(() => tree.includes(proof.leaf, proof.index, proof.path)),
              alone(proof, size),
            );
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  test('accepts every entry of every size in any order, and remembers each node once', () => {
    for (let size = 1; size <= leaves.length; size++) {
      for (const order of [1, 7, 11]) {
        const tree = new ProvenTree(size, treeRoot(size, subtree));
        for (let count = 0; count < size; count++) {
          const { leaf, index, path } = honest((count * order) % size, size);
          assert.ok(tree.includes(leaf, index, path), `entry ${index} of ${size}`);
        }
        // A tree has a node less than twice its leaves; the root itself need not be remembered.
        assert.ok(tree.nodeCount <= Math.max(0, 2 * size - 2), `${tree.nodeCount} nodes for ${size}`);
      }
    }
  });

  test('learns nothing from a proof that does not hold', () => {
    const size = 9;
    const { leaf, index, path } = honest(4, size);
    const tree = new ProvenTree(size, treeRoot(size, subtree));
    assert.equal(tree.includes(leaf, index, path.with(-1, leaf)), false);
    assert.equal(tree.includes(flipped(leaf, 0), index, path), false);
    assert.equal(tree.nodeCount, 0);
    assert.equal(tree.includes(leaf, index, path), true);
    // Wrong only above the place where the walk meets what is remembered.
    for (let step = 0; step < path.length; step++) {
      assert.equal(tree.includes(leaf, index, path.with(step, flipped(path[step] as Hash, step))), false);
    }
  });
});
