// One-shot digests and batches against Node's own implementation, at every length and every boundary.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { messageAreaBytes, sha3_512Core } from '../../src/hash/core.js';
import {
  blake2b512,
  blake2b512Batch,
  type EvidenceDigests,
  evidenceDigests,
  evidenceDigestsBatch,
  sha3_512,
  sha3_512Batch,
} from '../../src/hash/evidence.js';
import { NATIVE_SHA3_FROM_BYTES, nativeSha3_512 } from '../../src/hash/native-sha3.js';
import { digestWhole } from '../../src/hash/stream.js';
import { warmUp } from '../../src/hash/warm-up.js';

/** Longer messages go through the core's memory in parts of this size. */
const PART_BYTES = 64_512;
/** Padding changes its shape around the rates of both functions, 72 and 128, and around the ends of parts and of the area. */
const BOUNDARIES = [
  ...[0, 72, 128, 144, 256, 1152, NATIVE_SHA3_FROM_BYTES, PART_BYTES - 128, PART_BYTES, 2 * PART_BYTES],
  ...[messageAreaBytes - 128, messageAreaBytes, 2 * messageAreaBytes],
].flatMap((length) => [length - 1, length, length + 1].filter((near) => near >= 0));

const native = (algorithm: string, message: Uint8Array): Uint8Array =>
  new Uint8Array(createHash(algorithm).update(message).digest());
const nativeDigests = (message: Uint8Array): EvidenceDigests => ({
  sha3_512: native('sha3-512', message),
  blake2b: native('blake2b512', message),
});

const moduleUrl = (name: string): string => new URL(`../../src/hash/${name}.js`, import.meta.url).href;

/** Bytes of every value, other ones for each length. */
function messageOf(length: number): Uint8Array {
  const message = new Uint8Array(length);
  for (let index = 0; index < length; index += 1) message[index] = index * 151 + length * 29 + (index >> 8);
  return message;
}

describe('evidence digests', () => {
  it('equal those of Node at every length from 0 to 1,024', () => {
    for (let length = 0; length <= 1024; length += 1) {
      const message = messageOf(length);
      assert.deepEqual(evidenceDigests(message), nativeDigests(message), `at ${length} bytes`);
    }
  });

  it('equal those of Node around every block boundary', () => {
    for (const length of BOUNDARIES) {
      const message = messageOf(length);
      const expected = nativeDigests(message);
      assert.deepEqual(evidenceDigests(message), expected, `both at ${length} bytes`);
      assert.deepEqual(sha3_512(message), expected.sha3_512, `SHA3-512 at ${length} bytes`);
      assert.deepEqual(blake2b512(message), expected.blake2b, `BLAKE2b-512 at ${length} bytes`);
    }
  });

  it('are the same by the core as by the platform, wherever one takes over from the other', () => {
    const digestNatively = nativeSha3_512 ?? assert.fail('this Node has no SHA3-512');
    for (const length of [...BOUNDARIES, 4096, 50_000]) {
      const message = messageOf(length);
      const byCore = digestWhole(sha3_512Core, message);
      assert.deepEqual(byCore, native('sha3-512', message), `at ${length} bytes`);
      assert.deepEqual(digestNatively(message), byCore, `at ${length} bytes`);
    }
  });

  it('are the same where the platform offers nothing', () => {
    const program = `
      delete process.getBuiltinModule;
      const { evidenceDigests } = await import(${JSON.stringify(moduleUrl('evidence'))});
      const { nativeSha3_512 } = await import(${JSON.stringify(moduleUrl('native-sha3'))});
      const { sha3_512 } = evidenceDigests(new Uint8Array(100_000).fill(7));
      console.log(typeof nativeSha3_512, Buffer.from(sha3_512).toString('hex'));`;
    const child = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
    });
    const expected = Buffer.from(native('sha3-512', new Uint8Array(100_000).fill(7))).toString('hex');
    assert.equal(child.stdout, `undefined ${expected}\n`, child.stderr);
  });

  it('do not depend on what was digested before', () => {
    const long = evidenceDigests(new Uint8Array(NATIVE_SHA3_FROM_BYTES - 1).fill(0xff));
    assert.deepEqual(evidenceDigests(messageOf(3)), nativeDigests(messageOf(3)));
    assert.deepEqual(evidenceDigests(new Uint8Array(NATIVE_SHA3_FROM_BYTES - 1).fill(0xff)), long);
  });

  it('read a view of a larger buffer, and leave it as it was', () => {
    const around = new Uint8Array(300).fill(7);
    assert.deepEqual(evidenceDigests(around.subarray(100, 200)), nativeDigests(new Uint8Array(100).fill(7)));
    assert.deepEqual(around, new Uint8Array(300).fill(7));
  });

  it('are copies that later calls do not change', () => {
    const first = evidenceDigests(messageOf(5));
    const firstOfBatch = evidenceDigestsBatch([messageOf(5)]);
    evidenceDigests(messageOf(6));
    evidenceDigestsBatch([messageOf(7), messageOf(8)]);
    assert.deepEqual(first, nativeDigests(messageOf(5)));
    assert.deepEqual(firstOfBatch, [first]);
    assert.equal(first.sha3_512.buffer.byteLength, 64);
  });

  it('are the same after the warm-up', () => {
    warmUp();
    for (const length of BOUNDARIES) {
      assert.deepEqual(evidenceDigests(messageOf(length)), nativeDigests(messageOf(length)), `at ${length}`);
    }
  });
});

describe('digests of a batch', () => {
  it('are none for no message', () => {
    assert.deepEqual(evidenceDigestsBatch([]), []);
    assert.deepEqual(sha3_512Batch([]), []);
    assert.deepEqual(blake2b512Batch([]), []);
  });

  it('come in the order of the messages, at every length from 0 to 1,024 at once', () => {
    const messages = Array.from({ length: 1025 }, (_, length) => messageOf(length));
    const expected = messages.map(nativeDigests);
    assert.deepEqual(evidenceDigestsBatch(messages), expected);
    assert.deepEqual(
      sha3_512Batch(messages),
      expected.map((digests) => digests.sha3_512),
    );
    assert.deepEqual(
      blake2b512Batch(messages),
      expected.map((digests) => digests.blake2b),
    );
  });

  it('are right where messages fill the memory, exceed it, or stand between such', () => {
    const messages = [...BOUNDARIES, 5, ...BOUNDARIES.toReversed()].map(messageOf);
    assert.deepEqual(evidenceDigestsBatch(messages), messages.map(nativeDigests));
  });

  it('are right around the 1,024 messages that the table holds', () => {
    for (const count of [1023, 1024, 1025, 2048, 2049]) {
      const messages = Array.from({ length: count }, (_, index) => messageOf(index % 9));
      assert.deepEqual(evidenceDigestsBatch(messages), messages.map(evidenceDigests), `${count} messages`);
    }
  });

  it('equal the digests one by one, for any messages', () => {
    const message = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 3000 }));
    fc.assert(
      fc.property(fc.array(message, { maxLength: 40 }), (messages) => {
        const expected = messages.map(nativeDigests);
        assert.deepEqual(evidenceDigestsBatch(messages), expected);
        assert.deepEqual(
          sha3_512Batch(messages),
          expected.map((digests) => digests.sha3_512),
        );
        assert.deepEqual(
          blake2b512Batch(messages),
          expected.map((digests) => digests.blake2b),
        );
      }),
    );
  });

  it('equal them for batches of payloads that fill the memory several times over', () => {
    const lengths = fc.array(fc.integer({ min: 0, max: 9000 }), { minLength: 200, maxLength: 500 });
    fc.assert(
      fc.property(lengths, (all) => {
        const messages = all.map(messageOf);
        assert.deepEqual(evidenceDigestsBatch(messages), messages.map(nativeDigests));
      }),
      { numRuns: 8 },
    );
  });

  it('share no buffer with those of another batch', () => {
    const [first, second] = [
      sha3_512Batch([messageOf(1), messageOf(2)]),
      sha3_512Batch([messageOf(1), messageOf(2)]),
    ];
    first[0]?.fill(0);
    assert.deepEqual(second[0], native('sha3-512', messageOf(1)));
  });
});
