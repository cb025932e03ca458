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
import { faultByReference } from './strict-json-reference.js';

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

  test('finds in any text the fault that the plainest reading finds, or the same document', () => {
    const atom = fc.constantFrom(
      ...[
        '1',
        '-0',
        '12345',
        '0.5',
        '1e3',
        '1E3',
        '2e400',
        '123456789012345',
        '1234567890123456',
        '9007199254740993',
      ],
      ...[
        '0.1234567890123456789',
        '-1.5e-7',
        'true',
        'false',
        'null',
        '"a"',
        '"b:{["',
        '""',
        '"\\""',
        '"\\\\"',
      ],
      ...[
        '"\\u0000"',
        '"\\ud800"',
        '"\\ud83d\\ude00"',
        '"\ud800"',
        '"\u00fc\u2014"',
        '"\0"',
        '"e1"',
        '{}',
        '[]',
      ],
    );
    const key = fc.constantFrom('"a"', '"b"', '"c"', '"d"', '"\\u0061"', '"__proto__"', '"1"', '"x:"');
    const { document } = fc.letrec<{ document: string }>((tie) => ({
      document: fc.oneof(
        { maxDepth: 4 },
        atom,
        fc.array(tie('document'), { maxLength: 4 }).map((items) => `[${items.join(',')}]`),
        fc
          .array(fc.tuple(key, tie('document')), { maxLength: 4 })
          .map((members) => `{${members.map(([name, item]) => `${name}: ${item}`).join(' ,')}}`),
      ),
    }));
    const change = fc.tuple(fc.nat(), fc.constantFrom('', '"', '\\', ':', '{', ']', '9', 'e', '.', ' ', ','));
    fc.assert(
      fc.property(
        document,
        fc.option(change, { freq: 2 }),
        fc.constantFrom(1, 1, 1, 31, 32, 33),
        (text, spoil, wrap) => {
          let whole = '['.repeat(wrap - 1) + text + ']'.repeat(wrap - 1);
          if (spoil !== null) {
            const at = spoil[0] % (whole.length + 1);
            whole = whole.slice(0, at) + spoil[1] + whole.slice(at + 1);
          }
          const expected = faultByReference(whole);
          assert.equal(
            faultOf(() => parseJson(whole)),
            expected,
            whole,
          );
          if (expected === null) assert.deepEqual(parseJson(whole), JSON.parse(whole));
        },
      ),
      { numRuns: 10_000 },
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
