/** The comparison of what a log announces with what a TPM's counter shows. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type CounterWitness, judgeContinuity } from '../../src/state/continuity.js';

const counter = `000b${'1'.repeat(64)}`;
const key = `000b${'3'.repeat(64)}`;
const other = `000b${'2'.repeat(64)}`;
const size = { size: 100, sealedSize: 100 };
const announced = { key, counter, value: 7, index: 99, isLast: true };

function shows(value: number, erasable = false, names = { key, counter }): CounterWitness {
  return { witness: 'counter', reading: { ...names, value }, erasable };
}

describe('judgeContinuity', () => {
  it('is proven only where the log ends with the announcement of what the counter shows, made at the end of a run', () => {
    assert.equal(judgeContinuity(announced, size, shows(7)).outcome, 'proven');
    assert.equal(judgeContinuity({ ...announced, index: 98 }, size, shows(7)).outcome, 'unproven');
    assert.equal(judgeContinuity({ ...announced, isLast: false }, size, shows(7)).outcome, 'unproven');
    assert.equal(judgeContinuity(announced, { size: 100, sealedSize: 99 }, shows(7)).outcome, 'unproven');
    assert.equal(judgeContinuity(announced, size, shows(7, true)).outcome, 'unproven');
  });

  it('accepts a counter that was not raised any more after its announcement', () => {
    assert.equal(judgeContinuity(announced, size, shows(6)).outcome, 'proven');
  });

  it('cannot prove anything of a log that was never anchored', () => {
    assert.equal(judgeContinuity(null, size, shows(7)).outcome, 'unproven');
    assert.equal(judgeContinuity(null, size, { witness: 'none' }).outcome, 'unproven');
  });

  const disowning: readonly (readonly [string, CounterWitness, RegExp])[] = [
    ['a counter that is ahead', shows(8), /the TPM counted to 8, the log only to 7/],
    ['a counter that is further behind than an announcement', shows(5), /the TPM was taken back/],
    ['another counter', shows(7, false, { key, counter: other }), /another counter, or in another TPM/],
    ['another TPM', shows(7, false, { key: other, counter }), /another counter, or in another TPM/],
    ['no TPM any more', { witness: 'none' }, /none is configured any more/],
  ];
  for (const [what, witness, reason] of disowning) {
    it(`disowns a log on ${what}, also where the TPM can be taken back`, () => {
      const judged = judgeContinuity(announced, size, witness);
      assert.equal(judged.outcome, 'disowned');
      if (judged.outcome === 'disowned') assert.match(judged.reason, reason);
    });
  }

  it('never proves a log that announces less than the counter shows', () => {
    const value = fc.nat({ max: 1000 });
    fc.assert(
      fc.property(value, value, (said, shown) => {
        const { outcome } = judgeContinuity({ ...announced, value: said }, size, shows(shown));
        assert.equal(outcome !== 'disowned', shown === said || shown === said - 1);
      }),
    );
  });
});
