// The known answers, by every way through the core. Also run by tiers.test.ts under other compilers.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { blake2b512Core, sha3_512Core } from '../../src/hash/core.js';
import { blake2b512, blake2b512Batch, sha3_512, sha3_512Batch } from '../../src/hash/evidence.js';
import { createBlake2b512, createSha3_512, digestWhole } from '../../src/hash/stream.js';
import { blake2b512Answers, sha3_512Answers } from './vectors.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const FUNCTIONS = [
  {
    name: 'SHA3-512 (FIPS 202)',
    answers: sha3_512Answers,
    whole: sha3_512,
    byCore: (message: Uint8Array) => digestWhole(sha3_512Core, message),
    batch: sha3_512Batch,
    stream: createSha3_512,
  },
  {
    name: 'BLAKE2b-512 (RFC 7693)',
    answers: blake2b512Answers,
    whole: blake2b512,
    byCore: (message: Uint8Array) => digestWhole(blake2b512Core, message),
    batch: blake2b512Batch,
    stream: createBlake2b512,
  },
];

for (const { name, answers, whole, byCore, batch, stream } of FUNCTIONS) {
  describe(name, () => {
    for (const answer of answers) {
      it(`digests ${answer.name}, whole and in parts`, () => {
        assert.equal(hex(whole(answer.message)), answer.digest);
        assert.equal(hex(byCore(answer.message)), answer.digest);
        const half = answer.message.length >> 1;
        const parts = stream().update(answer.message.subarray(0, half)).update(answer.message.subarray(half));
        assert.equal(hex(parts.digest()), answer.digest);
      });
    }

    // With 1 to 7 copies, each lane gets each message, and the last one is left alone in each lane.
    it('digests all of them in one batch, whatever lane they fall to', () => {
      for (let copies = 1; copies <= 7; copies += 1) {
        const many = answers.flatMap((answer) => Array.from({ length: copies }, () => answer));
        const digests = batch(many.map(({ message }) => message)).map(hex);
        assert.deepEqual(
          digests,
          many.map(({ digest }) => digest),
        );
      }
    });
  });
}
