// Digests of messages in parts: equal to those of the whole, however the parts are cut.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { blake2b512, sha3_512 } from '../../src/hash/evidence.js';
import { createBlake2b512, createSha3_512, FinishedDigestError } from '../../src/hash/stream.js';

const FUNCTIONS = [
  { name: 'SHA3-512', create: createSha3_512, whole: sha3_512 },
  { name: 'BLAKE2b-512', create: createBlake2b512, whole: blake2b512 },
];

const messageOf = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 83 + length) & 0xff);

/** Cuts a message at the given lengths, over and over, until it is used up. */
function cut(message: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < message.length; ) {
    for (const length of lengths) {
      parts.push(message.subarray(at, at + length));
      at += length;
    }
  }
  return parts;
}

for (const { name, create, whole } of FUNCTIONS) {
  describe(`${name} in parts`, () => {
    it('equals the digest of the whole under any cutting', () => {
      const lengths = fc.array(
        fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 90_000 })),
        { minLength: 1, maxLength: 12 },
      );
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 200_000 }), lengths, (messageLength, cuts) => {
          const message = messageOf(messageLength);
          const stream = create();
          for (const part of cut(message, [...cuts, 1])) stream.update(part);
          assert.deepEqual(stream.digest(), whole(message));
        }),
        { numRuns: 60 },
      );
    });

    it('equals it for parts of one length, up to two blocks', () => {
      for (let length = 1; length <= 257; length += 1) {
        const message = messageOf(3 * length + 1300);
        const stream = create();
        for (const part of cut(message, [length])) stream.update(part);
        assert.deepEqual(stream.digest(), whole(message), `parts of ${length} bytes`);
      }
    });

    it('is that of the empty message without any part, and with empty ones', () => {
      assert.deepEqual(create().digest(), whole(new Uint8Array()));
      assert.deepEqual(
        create().update(new Uint8Array()).update(new Uint8Array()).digest(),
        whole(new Uint8Array()),
      );
    });

    it('does not mix with other digests in the making, nor with digests of whole messages', () => {
      const [one, two] = [messageOf(5000), messageOf(7001)];
      const [first, second] = [create(), create()];
      for (let at = 0; at < 8000; at += 100) {
        first.update(one.subarray(at, at + 100));
        second.update(two.subarray(at, at + 100));
        whole(messageOf(at));
      }
      assert.deepEqual(second.digest(), whole(two));
      assert.deepEqual(first.digest(), whole(one));
    });

    it('does not see what the caller writes to a part afterwards', () => {
      const part = messageOf(10);
      const stream = create().update(part);
      part.fill(0);
      assert.deepEqual(stream.digest(), whole(messageOf(10)));
    });

    it('refuses any use after its digest', () => {
      const stream = create().update(messageOf(1));
      stream.digest();
      const refusal = (operation: string) => (error: unknown) =>
        error instanceof FinishedDigestError &&
        error.name === 'FinishedDigestError' &&
        error.message ===
          `This digest is finished and takes no further ${operation}(): create a new one for each message.`;
      assert.throws(() => stream.update(messageOf(1)), refusal('update'));
      assert.throws(() => stream.digest(), refusal('digest'));
    });
  });
}
