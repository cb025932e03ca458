/** The order of a TPM's counts and clock, where they wrap around and where they do not. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { TpmClock } from '../../src/format/tpm-attest.js';
import { bootFault, clockFault } from '../../src/verify/tpm-clock.js';

const clock = (clockMs: number, resetCount: number, restartCount: number): TpmClock => ({
  clockMs,
  resetCount,
  restartCount,
  isSafe: true,
});

test('equal readings are in order, whichever is called the later', () => {
  assert.equal(clockFault(clock(5, 1, 2), clock(5, 1, 2)), null);
});

test('a clock, a restart and a reset that step back are named', () => {
  assert.match(clockFault(clock(5, 1, 2), clock(4, 1, 2)) ?? '', /its clock of 4 ms lies before 5 ms/);
  assert.match(clockFault(clock(5, 1, 2), clock(6, 1, 1)) ?? '', /its restart count of 1 lies before 2/);
  assert.match(clockFault(clock(5, 1, 2), clock(6, 0, 3)) ?? '', /its reset count of 0 lies before 1/);
});

test('a reset may begin the restarts anew, and a boot a clock that repeats itself', () => {
  assert.equal(clockFault(clock(5, 1, 2), clock(3, 2, 0)), null);
  assert.equal(clockFault(clock(5, 1, 2), clock(3, 1, 3)), null);
});

test('counts with any offset are in the order of the counts themselves', () => {
  const count = fc.nat(100_000);
  const offset = fc.integer({ min: 0, max: 0xffff_ffff });
  const sum = (left: number, right: number) => (left + right) >>> 0;
  fc.assert(
    fc.property(count, count, count, count, offset, offset, (reset, restart, more, again, first, second) => {
      const earlier = { resetCount: sum(reset, first), restartCount: sum(restart, second) };
      const later = { resetCount: sum(reset + more, first), restartCount: sum(again, second) };
      const isBack = more === 0 && again < restart;
      assert.equal(bootFault(earlier, later) === null, !isBack);
      assert.equal(bootFault(later, earlier) === null, more === 0 && again <= restart);
    }),
  );
});
