import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type ClockReading, PayloadClock } from '../../src/state/payload-clock.js';

const anchor: ClockReading = { wallMs: 1_000_000, bootTimeMs: 5_000 };

function clockAt(readings: readonly ClockReading[], floorMs = 0): PayloadClock {
  let position = 0;
  return new PayloadClock(
    () => readings[Math.min(position++, readings.length - 1)] ?? anchor,
    floorMs,
    anchor,
  );
}

/** A reading `passedMs` after the anchor on a clock that is off by `offMs`. */
function later(passedMs: number, offMs = 0): ClockReading {
  return { wallMs: anchor.wallMs + passedMs + offMs, bootTimeMs: anchor.bootTimeMs + passedMs };
}

describe('the payload clock', () => {
  test('follows a clock that keeps step with CLOCK_BOOTTIME', () => {
    assert.deepEqual(clockAt([later(60_000)]).now(), { outcome: 'trusted', timeMs: anchor.wallMs + 60_000 });
  });

  test('denies a clock that ran ahead, and does not take it as the new floor', () => {
    const clock = clockAt([later(1000), later(2000, 3_600_000), later(3000)]);
    assert.equal(clock.now().outcome, 'trusted');
    const ahead = clock.now();
    assert.equal(ahead.outcome === 'untrusted' && ahead.denial.code, 'CLOCK_UNTRUSTED');
    assert.match(
      ahead.outcome === 'untrusted' ? ahead.denial.message : '',
      /later than the time since boot allows/,
    );
    assert.deepEqual(clock.now(), { outcome: 'trusted', timeMs: anchor.wallMs + 3000 });
  });

  test('denies a clock behind the last logged time', () => {
    const clock = clockAt([later(1000)], anchor.wallMs + 10_000);
    const behind = clock.now();
    assert.match(behind.outcome === 'untrusted' ? behind.denial.message : '', /but the log already reached/);
    assert.equal(clock.lastTrustedMs(), anchor.wallMs + 10_000);
  });

  test('never decreases, whatever it reads', () => {
    const reading = fc.record({ wallMs: fc.nat(10_000_000), bootTimeMs: fc.nat(10_000_000) });
    fc.assert(
      fc.property(fc.array(reading, { minLength: 1 }), (readings) => {
        const clock = clockAt(readings);
        let last = 0;
        for (let count = 0; count < readings.length; count++) {
          const time = clock.now();
          if (time.outcome === 'untrusted') continue;
          assert.ok(time.timeMs >= last);
          last = time.timeMs;
        }
      }),
    );
  });
});
