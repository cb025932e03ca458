// SHA-256 as the trees use it, against an implementation that shares nothing with the platform's.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { sha256, sha256OfText } from '../../src/hash/sha256.js';

describe('SHA-256', () => {
  it('digests messages of every length around the block size, and views of larger buffers', () => {
    const source = Uint8Array.from({ length: 400 }, (_, position) => (position * 167) & 0xff);
    for (let length = 0; length <= 300; length++) {
      const message = source.subarray(length % 7, (length % 7) + length);
      assert.deepEqual(sha256(message), nobleSha256(message), `${length} bytes`);
    }
  });

  it('digests a text by its UTF-8 bytes', () => {
    for (const text of ['', '\0line\n', '\u00fc \u2014 \u{1f600}', 'x'.repeat(1000)]) {
      assert.deepEqual(sha256OfText(text), nobleSha256(new TextEncoder().encode(text)));
    }
  });

  it('answers with arrays that share nothing', () => {
    const first = sha256(Uint8Array.of(1));
    sha256(Uint8Array.of(2)).fill(0);
    assert.deepEqual(first, nobleSha256(Uint8Array.of(1)));
    assert.equal(first.buffer.byteLength, 32);
  });
});
