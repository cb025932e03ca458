import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AnswerLines } from '../../src/client/answer-lines.js';

test('lines come out whole, however the stream is cut', () => {
  const cutStream = fc.tuple(
    fc.array(fc.uint8Array({ maxLength: 40 }).map((line) => line.filter((byte) => byte !== 0x0a))),
    fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }),
  );
  fc.assert(
    fc.property(cutStream, ([lines, cuts]) => {
      const stream = Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]));
      const splitter = new AnswerLines(40);
      const found: string[] = [];
      for (let offset = 0, turn = 0; offset < stream.length; turn++) {
        const size = cuts[turn % cuts.length] ?? 1;
        found.push(
          ...splitter
            .push(stream.subarray(offset, offset + size))
            .map((line) => Buffer.from(line).toString('hex')),
        );
        offset += size;
      }
      assert.deepEqual(
        found,
        lines.map((line) => Buffer.from(line).toString('hex')),
      );
      assert.equal(splitter.restBytes, 0);
    }),
  );
});

test('a line of exactly the bound passes, one byte more is refused before its end is seen', () => {
  assert.equal(new AnswerLines(4).push(Buffer.from('1234\n')).length, 1);
  assert.throws(() => new AnswerLines(4).push(Buffer.from('12345')), {
    name: 'RangeError',
    message: 'a line is longer than 4 bytes',
  });
});
