/** The load generator against a real daemon: everything asked is answered, verifies, and is in the log. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LatencyHistogram } from '../../../bench/load/histogram.js';
import { sampleFaults, startLoad } from '../../../bench/load/load.js';
import { logTruth } from '../../../bench/load/log-truth.js';
import type { Pace, Round, RoundResult } from '../../../bench/load/round.js';
import { trustOf } from '../../daemon/requests.js';
import { type RunningDaemon, removeState, startDaemon } from '../../daemon/running-daemon.js';

const closed: Pace = { loop: 'closed', connections: 4, inFlight: 4 };
const open: Pace = { loop: 'open', connections: 4, ratePerSecond: 50, maxOutstanding: 64 };
const times = { warmUpMs: 100, durationMs: 900 };

let daemon: RunningDaemon;
before(async () => {
  daemon = await startDaemon();
});
after(async () => {
  await daemon.kill();
  await removeState(daemon.stateDirectory);
});

test('closed loop, open loop and redemption', { timeout: 120_000 }, async () => {
  const trust = await trustOf(daemon.stateDirectory);
  const load = await startLoad(daemon.socketPath, 1);
  const saved = `${daemon.stateDirectory}/acknowledged`;
  let granted = 0;
  const run = async (round: Round): Promise<RoundResult> => {
    const result = await load.run(round);
    assert.equal(result.failures, 0, result.firstFailure ?? '');
    assert.equal(result.samples.length, result.granted);
    assert.deepEqual(sampleFaults(result.samples, trust), []);
    granted += result.granted;
    return result;
  };
  try {
    const { mostOutstanding } = await run({
      workload: { kind: 'rotation', requests: 5 },
      pace: closed,
      ...times,
    });
    assert.equal(mostOutstanding, 16);

    const scheduled = await run({ workload: { kind: 'distinct' }, pace: open, ...times });
    // Every arrival is either answered or known never to have been sent.
    assert.equal(scheduled.granted + scheduled.unsent, 50);
    assert.equal(LatencyHistogram.deserialize(scheduled.latency).total, 45);

    const authorized = granted;
    const redeemed = await run({
      workload: { kind: 'redeem' },
      pace: closed,
      warmUpMs: 0,
      durationMs: 60_000,
    });
    assert.equal(redeemed.granted, authorized);
    // Nothing is left to redeem, and so the round is over at once.
    const nothing = await run({ workload: { kind: 'redeem' }, pace: closed, ...times });
    assert.equal(nothing.granted, 0);

    await load.save(saved);
  } finally {
    await load.end();
  }
  assert.equal(await daemon.stop(), 0);
  const truth = await logTruth(daemon.stateDirectory, trust, [saved], 'checked');
  assert.equal(truth.fault, null);
  assert.equal(truth.acknowledged, granted);
  assert.equal(truth.missing, 0);
});
