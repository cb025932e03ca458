import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { base64Encode } from '../../src/format/base64.js';
import { ProofReader } from '../../src/format/proof-reader.js';
import { formatTlogProof, parseTlogProof, type TlogProof } from '../../src/format/tlog-proof.js';
import { utf8Decode, utf8Encode } from '../../src/format/utf8.js';

function outcome(read: () => TlogProof): TlogProof | string {
  try {
    return read();
  } catch (error) {
    assert.ok(error instanceof Error);
    return `${error.name}: ${error.message}`;
  }
}

const notes = ['origin\n1\nroot\n\n\u2014 key AAAA\n', 'origin\n12\nroot\n\n\u2014 key AAAA\n', '\n', ''];
const hashes = Array.from({ length: 6 }, (_, number) => new Uint8Array(32).fill(number));

/** Few different hashes and notes, so that proofs often end alike; a few are spoilt. */
const proofText = fc
  .record({
    index: fc.constantFrom(0, 7, 123, 10 ** 15),
    lines: fc.array(fc.constantFrom(...hashes), { maxLength: 5 }),
    more: fc.constantFrom(0, 0, 0, 49, 52, 60),
    checkpoint: fc.constantFrom(...notes),
    spoil: fc.option(fc.tuple(fc.nat(), fc.constantFrom('', '\n', '\n\n', 'A', '=', '\u2014', 'index 1\n')), {
      freq: 3,
    }),
  })
  .map(({ index, lines, more, checkpoint, spoil }) => {
    const head = Array.from({ length: more }, () => hashes[0] as Uint8Array);
    const text = formatTlogProof({ index, hashes: [...head, ...lines], checkpoint });
    if (spoil === null) return utf8Encode(text);
    const [at, piece] = spoil;
    const position = at % text.length;
    return utf8Encode(text.slice(0, position) + piece + text.slice(position + 1));
  });

describe('the reader of proofs that follow one another', () => {
  test('gives for each what it would give for it alone', () => {
    const broken = fc.uint8Array({ maxLength: 80 });
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ weight: 9, arbitrary: proofText }, broken), { minLength: 2, maxLength: 12 }),
        (proofs) => {
          const reader = new ProofReader();
          for (const bytes of proofs) {
            const given = bytes.slice();
            assert.deepEqual(
              outcome(() => reader.read(given)),
              outcome(() => parseTlogProof(utf8Decode(bytes))),
            );
            // What the caller does with its bytes afterwards is its own business.
            given.fill(0);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('takes over the lines and the checkpoint in which two proofs agree', () => {
    const reader = new ProofReader();
    const checkpoint = notes[0] ?? '';
    const [low, high, top] = hashes;
    assert.ok(low && high && top);
    const first = reader.read(
      utf8Encode(formatTlogProof({ index: 8, hashes: [low, high, top], checkpoint })),
    );
    const second = reader.read(
      utf8Encode(formatTlogProof({ index: 10, hashes: [high, high, top], checkpoint })),
    );
    assert.equal(second.hashes[2], first.hashes[2]);
    assert.equal(second.hashes[1], first.hashes[1]);
    assert.equal(base64Encode(second.hashes[0] as Uint8Array), base64Encode(high));
  });
});
