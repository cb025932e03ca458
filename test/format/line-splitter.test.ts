import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { LineSplitter } from '../../src/format/line-splitter.js';
import { utf8Encode } from '../../src/format/utf8.js';

describe('the line splitter', () => {
  test('gives the same lines however the stream is cut', () => {
    const lines = fc.array(
      fc.uint8Array({ maxLength: 12 }).map((bytes) => bytes.map((byte) => (byte === 10 ? 11 : byte))),
    );
    fc.assert(
      fc.property(lines, fc.array(fc.nat(20)), (expected, cuts) => {
        const stream = Buffer.concat(expected.flatMap((line) => [line, Uint8Array.of(10)]));
        const splitter = new LineSplitter(8);
        const found: string[] = [];
        let start = 0;
        for (const cut of [...cuts, stream.length]) {
          for (const line of splitter.push(stream.subarray(start, start + cut))) {
            found.push(line.line === 'whole' ? Buffer.from(line.bytes).toString('hex') : 'tooLong');
          }
          start += cut;
        }
        const wanted = expected.map((line) =>
          line.length > 8 ? 'tooLong' : Buffer.from(line).toString('hex'),
        );
        assert.deepEqual(found, wanted);
      }),
    );
  });

  test('keeps nothing of a line that never ends', () => {
    const splitter = new LineSplitter(100);
    const answers = Array.from({ length: 50 }, () => splitter.push(new Uint8Array(1000).fill(0x61))).flat();
    assert.deepEqual(answers, [{ line: 'tooLong' }]);
    assert.deepEqual(
      splitter.push(utf8Encode('\nok\n')).map(({ line }) => line),
      ['whole'],
    );
  });
});
