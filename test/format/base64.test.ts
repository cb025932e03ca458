import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bytesToHex } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { base64Decode, base64Encode, portableDecode, portableEncode } from '../../src/format/base64.js';
import { hexDecode, hexEncode } from '../../src/format/hex.js';

/** What a text decodes to, or how it is refused: by the platform's lenient functions and one comparison. */
function reference(text: string): Uint8Array | string {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    return 'not base64 (RFC 4648 section 4)';
  }
  if (btoa(binary) !== text) return 'not canonical base64 (RFC 4648 section 3.5)';
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function outcome(decode: (text: string) => Uint8Array, text: string): Uint8Array | string {
  try {
    return decode(text);
  } catch (error) {
    assert.ok(error instanceof SyntaxError);
    return error.message;
  }
}

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 90 }),
  fc.uint8Array({ minLength: 200, maxLength: 400 }),
  fc.uint8Array({ minLength: 12_000, maxLength: 12_010, size: 'max' }),
);

describe('base64', () => {
  test('both coders write what Node writes, of any view, and read it back', () => {
    fc.assert(
      fc.property(bytes, fc.nat(3), (message, offset) => {
        const view = message.subarray(Math.min(offset, message.length));
        const text = Buffer.from(view).toString('base64');
        assert.equal(base64Encode(view), text);
        assert.equal(portableEncode(view), text);
        assert.deepEqual(base64Decode(text), Uint8Array.from(view));
        assert.deepEqual(portableDecode(text), Uint8Array.from(view));
      }),
    );
  });

  test('both decoders refuse alike whatever is no canonical text', () => {
    const character = fc.constantFrom(...'AQgwz09+/=-_ \n*\0\u0141\u2014\ud83d');
    const change = fc.record({ at: fc.nat(), character, remove: fc.boolean() });
    fc.assert(
      fc.property(bytes, fc.array(change, { maxLength: 2 }), (message, changes) => {
        let text = Buffer.from(message).toString('base64');
        for (const { at, character, remove } of changes) {
          const position = text.length - (at % (text.length + 1));
          text = text.slice(0, position) + character + text.slice(position + (remove ? 1 : 0));
        }
        assert.deepEqual(outcome(base64Decode, text), reference(text));
        assert.deepEqual(outcome(portableDecode, text), reference(text));
      }),
      { numRuns: 1000 },
    );
  });

  for (const long of ['', 'A'.repeat(400)]) {
    for (const end of [
      'A===',
      '====',
      'AB==',
      'AAB=',
      'AA=A',
      '=AAA',
      'A',
      'AA',
      'AAA',
      'AA\n=',
      'AA-_',
      'AA\u0141A',
    ]) {
      test(`refuses ${JSON.stringify(end)}${long === '' ? '' : ' behind a long text'}`, () => {
        const refusal = reference(long + end);
        assert.equal(typeof refusal, 'string');
        assert.equal(outcome(base64Decode, long + end), refusal);
        assert.equal(outcome(portableDecode, long + end), refusal);
      });
    }
  }
});

describe('base64 of long texts', () => {
  const long = Buffer.alloc(99, 0x5a).toString('base64');

  test('refuses every character outside the alphabet, wherever it stands', () => {
    const alphabet = /^[A-Za-z0-9+/]$/;
    for (let code = 0; code < 0x1_0000; code++) {
      const character = String.fromCharCode(code);
      const position = (code * 7) % long.length;
      const text = long.slice(0, position) + character + long.slice(position + 1);
      const decoded = outcome(base64Decode, text);
      assert.equal(typeof decoded === 'object', alphabet.test(character), `code ${code} at ${position}`);
      if (code < 0x200) assert.deepEqual(decoded, reference(text));
    }
  });

  test('refuses each further spelling of the last bytes', () => {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    for (const letter of letters) {
      for (const text of [`${long}A${letter}==`, `${long}AA${letter}=`]) {
        assert.deepEqual(outcome(base64Decode, text), reference(text));
        assert.deepEqual(outcome(portableDecode, text), reference(text));
      }
    }
  });
});

describe('hexadecimal', () => {
  test('is written as the portable coder writes it, and read back', () => {
    fc.assert(
      fc.property(bytes, fc.nat(3), (message, offset) => {
        const view = message.subarray(Math.min(offset, message.length));
        assert.equal(hexEncode(view), bytesToHex(view));
        assert.deepEqual(hexDecode(hexEncode(view)), Uint8Array.from(view));
      }),
    );
  });
});
