// Line changes lead from one text to the other, whatever the texts are, and keep what both have.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { lineChanges } from '../../src/cli/line-changes.js';

const textArbitrary = fc
  .array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 })
  .map((lines) => lines.join('\n'));
const side = (before: string, after: string, sign: '-' | '+'): string =>
  lineChanges(before, after)
    .filter((change) => change.sign === sign || change.sign === ' ')
    .map(({ text }) => text)
    .join('\n');

test('what did not come is the text before, what did not go the text after', () => {
  fc.assert(
    fc.property(textArbitrary, textArbitrary, (before, after) => {
      assert.equal(side(before, after, '-'), before);
      assert.equal(side(before, after, '+'), after);
    }),
  );
});

test('lines that stay are shown once', () => {
  assert.deepEqual(
    lineChanges('a\nb\nc', 'a\nx\nc').map(({ sign, text }) => sign + text),
    [' a', '-b', '+x', ' c'],
  );
});
