import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import reference from 'canonicalize';
import fc from 'fast-check';
import { jcsText, RememberedTexts } from '../../src/format/jcs.js';

describe('JSON canonicalization (RFC 8785)', () => {
  test('the example of section 3.2.2', () => {
    const input = JSON.parse(
      '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],' +
        '"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
    );
    assert.equal(
      jcsText(input),
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  test('the sorting example of section 3.2.3', () => {
    const input = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    assert.deepEqual(Object.values(JSON.parse(jcsText(input))).length, 7);
    assert.deepEqual(
      [...jcsText(input).matchAll(/:"([^"]*)"/g)].map(([, value]) => value),
      [
        'Carriage Return',
        'One',
        'Control',
        'Latin Small Letter O With Diaeresis',
        'Euro Sign',
        'Emoji: Grinning Face',
        'Hebrew Letter Dalet With Dagesh',
      ],
    );
  });

  const numbers: readonly (readonly [string, string])[] = [
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555557', '333333333.33333343'],
  ];
  for (const [bits, text] of numbers) {
    test(`writes the double ${bits} of appendix B as ${text}`, () => {
      assert.equal(jcsText(Buffer.from(bits, 'hex').readDoubleBE()), text);
    });
  }

  test('refuses what JSON cannot say', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, '\ud800', undefined]) {
      assert.throws(() => jcsText(value));
    }
  });
});

describe('the writer', () => {
  const canonicalize: (value: unknown) => string | undefined = reference;

  test('writes what the reference implementation writes', () => {
    const document = fc.jsonValue({ maxDepth: 4 });
    const wide = fc.dictionary(fc.string(), fc.integer(), { minKeys: 10, maxKeys: 40 });
    fc.assert(
      fc.property(fc.oneof(document, wide), (value) => {
        if (!JSON.stringify(value).isWellFormed()) return;
        assert.equal(jcsText(value), canonicalize(value));
      }),
    );
  });

  test('writes remembered parts as they were', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()), (part) => {
        const texts = new RememberedTexts();
        const document = { z: 1, part: texts.remember({ value: part }), list: [part] };
        assert.equal(jcsText(document, texts), jcsText(document));
      }),
    );
  });

  test('leaves out fields without a value, as JSON.stringify does', () => {
    assert.equal(jcsText({ b: undefined, a: 1 }), '{"a":1}');
  });
});
