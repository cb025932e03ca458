import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type JsonFault,
  JsonFaultError,
  maxDepth,
  parseJson,
  parseJsonBytes,
} from '../../src/format/strict-json.js';
import { utf8Encode } from '../../src/format/utf8.js';

function faultOf(read: () => unknown): JsonFault | null {
  try {
    read();
    return null;
  } catch (error) {
    assert.ok(error instanceof JsonFaultError, String(error));
    return error.fault;
  }
}

describe('strict JSON', () => {
  const refused: readonly (readonly [string, string | Uint8Array, JsonFault])[] = [
    ['a repeated key', '{"a":1,"a":1}', 'duplicate-key'],
    ['a repeated key deep inside', '[{"x":{"b":[],"b":{}}}]', 'duplicate-key'],
    ['a key repeated in another spelling', '{"a":1,"\\u0061":2}', 'duplicate-key'],
    ['a raw NUL', '"\0"', 'nul'],
    ['an escaped NUL', '"\\u0000"', 'nul'],
    ['an escaped NUL in a key', '{"\\u0000":1}', 'nul'],
    ['a lone high surrogate', '"\\ud800"', 'lone-surrogate'],
    ['a lone low surrogate in a key', '{"\\udc00":1}', 'lone-surrogate'],
    ['a number beyond a double', '1e400', 'number-range'],
    ['an integer that a double cannot hold', '9007199254740993', 'number-range'],
    ['a negative integer that a double cannot hold', '-9007199254740992', 'number-range'],
    ['nesting one level too deep', `${'['.repeat(maxDepth + 1)}${']'.repeat(maxDepth + 1)}`, 'too-deep'],
    ['very deep nesting', '['.repeat(60_000), 'too-deep'],
    ['an unfinished string', '"abc', 'syntax'],
    ['a trailing comma', '[1,]', 'syntax'],
    ['two documents', '{} {}', 'syntax'],
    ['nothing', '', 'syntax'],
    ['a byte order mark', '\ufeff{}', 'syntax'],
    ['bytes that are no UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'not-utf8'],
    ['an overlong encoding', Uint8Array.of(0x22, 0xc0, 0x80, 0x22), 'not-utf8'],
    ['an encoded surrogate', Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), 'not-utf8'],
  ];
  for (const [name, input, fault] of refused) {
    test(`refuses ${name}`, () => {
      const bytes = typeof input === 'string' ? utf8Encode(input) : input;
      assert.equal(
        faultOf(() => parseJsonBytes(bytes)),
        fault,
      );
    });
  }

  test('gives every fault a sentence of its own', () => {
    const messages = new Set<string>();
    for (const [, input] of refused) {
      const bytes = typeof input === 'string' ? utf8Encode(input) : input;
      assert.throws(
        () => parseJsonBytes(bytes),
        (error: Error) => Boolean(messages.add(error.message)),
      );
    }
    assert.equal(messages.size, new Set(refused.map(([, , fault]) => fault)).size);
  });

  test('keeps a key named __proto__ as a key', () => {
    assert.deepEqual(Object.keys(parseJson('{"__proto__":1,"a":2}') as object), ['__proto__', 'a']);
  });

  test('is not misled by colons, braces and backslashes inside strings', () => {
    assert.deepEqual(parseJson('{"a:{\\"":"\\\\","b":"::[["}'), { 'a:{"': '\\', b: '::[[' });
  });

  test('accepts what JSON.stringify writes, unchanged', () => {
    const json = fc.jsonValue({ maxDepth: 6, noUnicodeString: false });
    fc.assert(
      fc.property(json, (value) => {
        const text = JSON.stringify(value);
        if (text.includes('\\u0000')) return;
        const unsafe =
          /(?<![\d.])-?\d{16,}(?![\d.e])/.test(text) || !text.isWellFormed() || /\\ud[89a-f]/i.test(text);
        if (unsafe) return;
        const fault = faultOf(() => assert.deepEqual(parseJson(text), JSON.parse(text)));
        assert.ok(fault === null || fault === 'number-range', `${fault} for ${text}`);
      }),
    );
  });

  test('never throws anything but its own error, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        faultOf(() => parseJsonBytes(bytes));
      }),
    );
  });
});
