/** The budget of writes to an NV counter, under a clock of the test's own. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { WearBudget } from '../../src/state/wear-budget.js';

const dayMs = 86_400_000;

describe('WearBudget', () => {
  it('allows a sixth of a day at once, then one after the other as time passes', () => {
    const budget = new WearBudget(144, 0);
    assert.equal(budget.left(0), 24);
    for (let write = 0; write < 24; write++) assert.equal(budget.spend(0), true);
    assert.equal(budget.spend(0), false);
    assert.equal(budget.waitMs(0), 600_000);
    assert.equal(budget.spend(599_000), false);
    assert.equal(budget.spend(600_001), true);
  });

  it('makes later writes pay for those that could not be put off', () => {
    const budget = new WearBudget(24, 0);
    for (let write = 0; write < 6; write++) budget.overspend(0);
    assert.equal(budget.spend(0), false);
    assert.equal(budget.left(dayMs / 12), 0);
    assert.equal(budget.spend(dayMs / 8 + 1), true);
  });

  it('never allows more than its days and what was saved up, and a clock that goes back gives nothing', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.array(fc.integer({ min: -dayMs, max: dayMs }), { maxLength: 50 }),
        (perDay, steps) => {
          const budget = new WearBudget(perDay, 0);
          let nowMs = 0;
          let latestMs = 0;
          let spent = 0;
          for (const step of steps) {
            nowMs = Math.max(0, nowMs + step);
            latestMs = Math.max(latestMs, nowMs);
            while (budget.spend(nowMs)) spent++;
          }
          assert.ok(spent <= (perDay * latestMs) / dayMs + Math.max(4, perDay / 6) + 1e-6);
        },
      ),
    );
  });
});
