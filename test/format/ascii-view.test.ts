import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { asciiView, portableAsciiView } from '../../src/format/ascii-view.js';

const ascii = fc.uint8Array({ min: 0, max: 0x7f, maxLength: 40 });

test('both views of ASCII bytes give the same pieces and comparisons, at every position', () => {
  fc.assert(
    fc.property(ascii, ascii, fc.nat(45), fc.nat(45), (bytes, other, start, length) => {
      // A view of a view: the bytes may lie anywhere in their buffer.
      const inside = Uint8Array.of(1, 2, 3, ...bytes, 4).subarray(3, 3 + bytes.length);
      const views = [asciiView(inside), portableAsciiView(inside)];
      const from = Math.min(start, bytes.length);
      const end = Math.min(from + length, bytes.length);
      const piece = bytes.slice(from, end);
      const isOther = other.every((byte, position) => bytes[start + position] === byte);
      for (const view of views) {
        assert.equal(view.text(from, end), String.fromCharCode(...piece));
        assert.equal(view.hasAt(from, piece), true);
        assert.equal(view.hasAt(from, Uint8Array.of(...piece, 0x80)), false);
        assert.equal(view.hasAt(from, Uint8Array.of(0x80, ...piece)), false);
        if (other.length > 0) assert.equal(view.hasAt(start, other), isOther);
      }
    }),
    { numRuns: 1000 },
  );
});
