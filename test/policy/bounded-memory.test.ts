import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BoundedMemory } from '../../src/policy/bounded-memory.js';

const budget = 102_400;

describe('BoundedMemory', () => {
  it('never holds more than its budget, and always what was kept last', () => {
    const entries = fc.array(
      fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.integer({ min: 1, max: 100 })),
    );
    fc.assert(
      fc.property(entries, (kept) => {
        const memory = new BoundedMemory<number>(budget);
        const sizes = new Map<string, number>();
        for (const [name, sizeBytes] of kept) {
          memory.keep(name, sizeBytes, sizeBytes);
          sizes.set(name, sizeBytes);
          assert.equal(memory.find(name), sizeBytes);
        }
        assert.equal(memory.count, sizes.size);
      }),
    );
  });

  it('lets go of what was used longest ago once the budget is spent', () => {
    const memory = new BoundedMemory<number>(budget);
    for (let number = 0; number < 1024; number++) memory.keep(`${number}`, number, 100);
    assert.equal(memory.find('0'), 0);
    memory.keep('new', -1, 100);
    assert.equal(memory.count, 1024);
    assert.equal(memory.find('0'), 0);
    assert.equal(memory.find('1'), null);
  });

  it('keeps nothing that would take much of the budget, and forgets what it replaces', () => {
    const memory = new BoundedMemory<number>(budget);
    memory.keep('name', 1, 100);
    memory.keep('name', 2, 101);
    assert.equal(memory.find('name'), null);
    assert.equal(memory.count, 0);
  });
});
