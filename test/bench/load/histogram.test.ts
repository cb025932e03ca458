import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LatencyHistogram, quantiles } from '../../../bench/load/histogram.js';

const latencies = fc.array(fc.nat({ max: 2 ** 31 - 1 }), { minLength: 1, maxLength: 300 });
const percent = fc.double({ min: 0, max: 100, noNaN: true });

function histogramOf(values: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

/** The smallest value with so many per cent at or below it. */
function exactPercentile(values: readonly number[], wanted: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  const rank = Math.max(1, Math.ceil((wanted / 100) * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}

test('a percentile is never below the exact one, and at most 1/128 above it', () => {
  fc.assert(
    fc.property(latencies, percent, (values, wanted) => {
      const exact = exactPercentile(values, wanted);
      const shown = histogramOf(values).percentile(wanted);
      assert.ok(shown >= exact, `${shown} is below ${exact}`);
      assert.ok(shown <= exact * (1 + 1 / 128), `${shown} is far above ${exact}`);
    }),
  );
});

test('values below 256 us, the maximum and the count are exact', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 255 }), { minLength: 1 }), percent, (values, wanted) => {
      const histogram = histogramOf(values);
      assert.equal(histogram.percentile(wanted), exactPercentile(values, wanted));
      assert.equal(histogram.maxUs, Math.max(...values));
      assert.equal(histogram.total, values.length);
    }),
  );
});

test('what is serialized or added up gives the same percentiles as all values in one', () => {
  fc.assert(
    fc.property(latencies, latencies, percent, (left, right, wanted) => {
      const sum = LatencyHistogram.deserialize(histogramOf(left).serialize());
      sum.add(histogramOf(right));
      const whole = histogramOf([...left, ...right]);
      assert.equal(sum.percentile(wanted), whole.percentile(wanted));
      assert.equal(sum.total, whole.total);
      assert.equal(sum.maxUs, whole.maxUs);
    }),
  );
});

test('there is no percentile of nothing, and negative or endless values count at the ends', () => {
  assert.ok(Number.isNaN(new LatencyHistogram().percentile(50)));
  const ends = histogramOf([-5, Number.POSITIVE_INFINITY]);
  assert.equal(ends.percentile(50), 0);
  assert.equal(ends.maxUs, 2 ** 32 - 1);
  assert.throws(() => LatencyHistogram.deserialize([1, -3, 5]), RangeError);
});

test('quantiles come in the order asked for', () => {
  assert.deepEqual(quantiles(histogramOf([1, 2, 3, 4]), [50, 100]), [
    { percent: 50, us: 2 },
    { percent: 100, us: 4 },
  ]);
});
