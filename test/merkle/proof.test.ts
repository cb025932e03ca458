import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { hexDecode, hexEncode } from '../../src/format/hex.js';
import {
  consistencyProof,
  inclusionProof,
  ProofError,
  rootOfInclusion,
  verifyConsistency,
} from '../../src/merkle/proof.js';
import {
  type Hash,
  leafHash,
  leafHashOfText,
  nodeHash,
  type SubtreeSource,
  treeRoot,
} from '../../src/merkle/tree.js';

/** The eight entries of the Certificate Transparency test vectors (RFC 6962 reference implementation). */
const entries = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map(hexDecode);

const roots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

/** Complete subtrees by plain recursion (RFC 6962 section 2.1), as independent of the code under test as can be. */
function subtreesOf(leaves: readonly Hash[]): SubtreeSource {
  const subtree: SubtreeSource = (level, index) => {
    const leaf = leaves[index];
    if (level === 0 && leaf !== undefined) return leaf;
    assert.ok(level > 0, 'asked for a leaf beyond the tree');
    return nodeHash(subtree(level - 1, 2 * index), subtree(level - 1, 2 * index + 1));
  };
  return subtree;
}

const leaves = entries.map(leafHash);

test('an entry given as text has the leaf hash of its bytes', () => {
  for (const text of ['', 'writ.entry/v1 stop\n', '\u00fc']) {
    assert.deepEqual(leafHashOfText(text), leafHash(new TextEncoder().encode(text)));
  }
});

const known = subtreesOf(leaves);

describe('Merkle trees (RFC 6962)', () => {
  test('the empty tree hashes nothing', () => {
    assert.equal(
      hexEncode(treeRoot(0, known)),
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
  });

  for (const [position, root] of roots.entries()) {
    test(`the reference root of ${position + 1} entries`, () =>
      assert.equal(hexEncode(treeRoot(position + 1, known)), root));
  }

  test('the reference inclusion proof of entry 5 among 8, and its checks', () => {
    const path = inclusionProof(5, 8, known);
    assert.deepEqual(path.map(hexEncode), [
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ]);
    assert.equal(hexEncode(rootOfInclusion(leaves[5] as Hash, 5, 8, path)), roots[7]);
  });

  test('the reference consistency proof from 6 to 8', () => {
    const proof = consistencyProof(6, 8, known);
    assert.deepEqual(proof.map(hexEncode), [
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ]);
  });

  test('every inclusion proof of every tree up to 70 entries holds, and none does for another index', () => {
    const many = Array.from({ length: 70 }, (_, number) => leafHash(Uint8Array.of(number)));
    const subtree = subtreesOf(many);
    for (let size = 1; size <= many.length; size++) {
      const root = hexEncode(treeRoot(size, subtree));
      for (let index = 0; index < size; index++) {
        const path = inclusionProof(index, size, subtree);
        assert.equal(hexEncode(rootOfInclusion(many[index] as Hash, index, size, path)), root);
        const other = (index + 1) % size;
        if (other !== index) assert.notEqual(rootOrError(many[index] as Hash, other, size, path), root);
      }
    }
  });

  test('consistency holds between every pair of sizes, and fails for a changed root', () => {
    const many = Array.from({ length: 40 }, (_, number) => leafHash(Uint8Array.of(number)));
    const subtree = subtreesOf(many);
    for (let second = 0; second <= many.length; second++) {
      for (let first = 0; first <= second; first++) {
        const proof = consistencyProof(first, second, subtree);
        const earlier = { size: first, root: treeRoot(first, subtree) };
        const later = { size: second, root: treeRoot(second, subtree) };
        verifyConsistency(earlier, later, proof);
        const forked = { size: first, root: leafHash(Uint8Array.of(255)) };
        if (first > 0) assert.throws(() => verifyConsistency(forked, later, proof), ProofError);
      }
    }
  });

  test('proofs of the wrong length are refused', () => {
    const path = inclusionProof(5, 8, known);
    assert.throws(() => rootOfInclusion(leaves[5] as Hash, 5, 8, path.slice(1)), /too short/);
    assert.throws(() => rootOfInclusion(leaves[5] as Hash, 5, 8, [...path, leaves[0] as Hash]), /too long/);
    assert.throws(() => rootOfInclusion(leaves[5] as Hash, 8, 8, path), /outside the tree/);
    assert.throws(() => inclusionProof(8, 8, known), RangeError);
    const consistency = consistencyProof(3, 7, known);
    const three = { size: 3, root: treeRoot(3, known) };
    const seven = { size: 7, root: treeRoot(7, known) };
    assert.throws(() => verifyConsistency(three, seven, consistency.slice(1)), ProofError);
    assert.throws(() => verifyConsistency(three, seven, [...consistency, seven.root]), /too long/);
    assert.throws(() => verifyConsistency(seven, three, []), /smaller than the earlier/);
    assert.throws(() => verifyConsistency(three, { size: 3, root: seven.root }, []), /forked/);
    assert.throws(
      () => verifyConsistency({ size: 0, root: three.root }, three, [three.root]),
      /should be empty/,
    );
  });

  test('a flipped bit anywhere in a proof changes the root', () => {
    const path = inclusionProof(2, 7, known);
    fc.assert(
      fc.property(fc.nat(path.length - 1), fc.nat(255), (position, bit) => {
        const forged = path.map((hash) => hash.slice());
        const hash = forged[position] as Hash;
        hash[bit >> 3] = (hash[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        assert.notEqual(hexEncode(rootOfInclusion(leaves[2] as Hash, 2, 7, forged)), roots[6]);
      }),
    );
  });
});

function rootOrError(leaf: Hash, index: number, size: number, path: readonly Hash[]): string {
  try {
    return hexEncode(rootOfInclusion(leaf, index, size, path));
  } catch (error) {
    assert.ok(error instanceof ProofError);
    return error.message;
  }
}
