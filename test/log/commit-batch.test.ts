import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { artifactIdOf } from '../../src/format/artifact-id.js';
import { pae } from '../../src/format/dsse.js';
import { encodeEntry, entryOf } from '../../src/format/entry.js';
import { utf8Encode } from '../../src/format/utf8.js';
import { digestBatch, takeBatch, type Waiting } from '../../src/log/commit-batch.js';
import { PayloadSlabs } from '../../src/log/payload-slabs.js';

const type = 'application/vnd.in-toto+json';

function waiting(slabs: PayloadSlabs, payload: string): Waiting {
  const submission = {
    kind: 'denial',
    payloadType: type,
    ...slabs.encode(type, payload),
    record: null,
    attachment: new Uint8Array(),
    effect: 'evidence',
  } as const;
  return { submission, deadlineMs: 0, settle: null, state: 'pending' };
}

test('payloads become the bytes, leaves and ids that they have alone, and keep them beside each other', () => {
  const texts = fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constant('x'.repeat(700_000))), {
    minLength: 1,
    maxLength: 6,
  });
  fc.assert(
    fc.property(texts, (payloads) => {
      const slabs = new PayloadSlabs();
      const written = digestBatch(payloads.map((payload) => waiting(slabs, payload)));
      for (const [position, payload] of payloads.entries()) {
        const bytes = utf8Encode(payload);
        const entry = entryOf('denial', type, bytes);
        const { waiting: own, leaf, id } = written[position] ?? assert.fail('a payload is missing');
        assert.deepEqual(Buffer.from(own.submission.payload), Buffer.from(bytes));
        assert.deepEqual(Buffer.from(own.submission.pae), Buffer.from(pae(type, bytes)));
        assert.deepEqual(Buffer.from(leaf), Buffer.from(encodeEntry(entry)));
        assert.equal(id, artifactIdOf(entry.digests));
      }
    }),
    { numRuns: 40 },
  );
});

test('a batch is taken in order, bounded in bytes, and never empty while something waits', () => {
  const slabs = new PayloadSlabs();
  const queue = ['a'.repeat(3 << 20), 'b', 'c'.repeat(1 << 20), 'd'.repeat(1 << 20), 'e'].map((text) =>
    waiting(slabs, text),
  );
  const firsts = (batch: readonly Waiting[]) =>
    batch.map(({ submission }) => String.fromCharCode(submission.payload[0] ?? 0)).join('');
  assert.equal(firsts(takeBatch(queue)), 'a');
  assert.equal(firsts(takeBatch(queue)), 'bc');
  assert.equal(firsts(takeBatch(queue)), 'de');
  assert.deepEqual(takeBatch(queue), []);
});
