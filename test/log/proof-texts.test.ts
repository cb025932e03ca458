import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatTlogProof } from '../../src/format/tlog-proof.js';
import { ProofTexts } from '../../src/log/proof-texts.js';
import { inclusionProof } from '../../src/merkle/proof.js';
import { type Hash, nodeHash, type SubtreeSource } from '../../src/merkle/tree.js';

/** Any hashes will do as leaves; complete subtrees are computed from them anew. */
const subtree: SubtreeSource = (level, index): Hash =>
  level === 0
    ? createHash('sha256').update(String(index)).digest()
    : nodeHash(subtree(level - 1, 2 * index), subtree(level - 1, 2 * index + 1));

test('each text is the one of the proof made alone, in whatever order they are asked for', () => {
  const sizeAndIndexes = fc
    .integer({ min: 1, max: 300 })
    .chain((size) =>
      fc.tuple(fc.constant(size), fc.array(fc.nat(size - 1), { minLength: 1, maxLength: 40 })),
    );
  fc.assert(
    fc.property(sizeAndIndexes, ([size, indexes]) => {
      const texts = new ProofTexts(size, 'the note\n', subtree);
      for (const index of indexes) {
        const hashes = inclusionProof(index, size, subtree);
        assert.equal(texts.textOf(index), formatTlogProof({ index, hashes, checkpoint: 'the note\n' }));
      }
    }),
    { numRuns: 60 },
  );
});

test('an entry that the seal does not cover has no proof', () => {
  const texts = new ProofTexts(7, 'the note\n', subtree);
  for (const index of [-1, 7, 8]) assert.throws(() => texts.textOf(index), RangeError);
});
