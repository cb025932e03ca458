// Which bindings still hold: every way in which one can fail to.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Binding } from '../../src/format/predicate.js';
import { compareBindings } from '../../src/verify/bindings.js';

const boot: Binding = { name: 'boot', value: '1', source: 'kernel' };
const host: Binding = { name: 'host', value: 'h', source: 'reported' };

describe('compareBindings', () => {
  const cases: readonly (readonly [
    string,
    readonly Binding[],
    readonly Binding[],
    readonly string[] | undefined,
    readonly string[],
  ])[] = [
    ['the same', [boot, host], [host, boot], undefined, []],
    ['another value', [boot, host], [{ ...boot, value: '2' }, host], undefined, ['boot']],
    ['a binding that is gone', [boot, host], [host], undefined, ['boot']],
    ['a weaker source', [boot], [{ ...boot, source: 'reported' }], undefined, ['boot']],
    [
      'a stronger source',
      [boot],
      [{ ...boot, source: 'tpm', quote: `sha3-512:${'0'.repeat(128)}` }],
      undefined,
      [],
    ],
    ['one that is new', [boot], [boot, host], undefined, []],
    ['one that is not asked for', [boot, host], [boot], ['boot'], []],
    ['one that is asked for and was never sealed', [boot], [boot, host], ['boot', 'host'], ['host']],
    ['one that is sealed twice', [boot, boot], [boot], undefined, ['boot']],
    ['one that is the same twice on both sides', [boot, boot], [boot, boot], undefined, ['boot']],
    ['the same, in order of names', [boot, host], [boot, host], undefined, []],
    ['one measured in place of another', [boot], [host], undefined, ['boot']],
    ['one that is measured twice', [boot], [boot, { ...boot, value: '2' }], undefined, ['boot']],
    ['everything gone, in order of names', [host, boot], [], undefined, ['boot', 'host']],
  ];
  for (const [name, sealed, measured, names, changed] of cases) {
    it(`finds: ${name}`, () => assert.deepEqual(compareBindings(sealed, measured, names), changed));
  }

  it('finds nothing exactly if every sealed binding is measured alike', () => {
    const binding = fc.record({
      name: fc.constantFrom('a', 'b', 'c'),
      value: fc.constantFrom('1', '2'),
      source: fc.constant('kernel' as const),
    });
    const bindings = fc.uniqueArray(binding, { selector: ({ name }) => name });
    fc.assert(
      fc.property(bindings, bindings, (sealed, measured) => {
        const same = sealed.every((one) =>
          measured.some((two) => one.name === two.name && one.value === two.value),
        );
        assert.equal(compareBindings(sealed, measured).length === 0, same);
      }),
    );
  });
});
