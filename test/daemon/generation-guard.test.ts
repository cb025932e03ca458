// What the daemon does when its watch says that the machine was taken back. The watch is injected here; how a real daemon ends on a
// real announcement is in vm-generation.test.ts.

import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { GenerationGuard } from '../../src/daemon/generation-guard.js';
import { Intake } from '../../src/daemon/intake.js';
import type { Machine } from '../../src/daemon/machine.js';
import type { RedemptionQueue } from '../../src/daemon/methods/redeem.js';
import type { Request } from '../../src/daemon/pipeline/parse.js';
import type { Services } from '../../src/daemon/services.js';
import type { Generation } from '../../src/kernel/vm-generation.js';
import { unconnectedSession } from './unconnected.js';

function guarded(generation: () => Generation) {
  const causes: string[] = [];
  const watch = { gap: null, check: generation, close: mock.fn() };
  const guard = new GenerationGuard(watch, (cause) => {
    assert.ok(cause instanceof Error);
    causes.push(cause.message);
  });
  return { guard, watch, causes };
}

/** An intake in which nothing works but what comes before a request is looked at. */
function intakeOf(guard: GenerationGuard) {
  const look = mock.fn(() => assert.fail('a request was looked at'));
  const unusable = {};
  const intake = new Intake(
    unusable as Services,
    { look } as unknown as Machine,
    unusable as RedemptionQueue,
    guard,
  );
  return { intake, look };
}

describe('GenerationGuard, with an injected watch', () => {
  it('lets the daemon go on while the generation is the same', () => {
    const { guard, causes } = guarded(() => 'same');
    assert.equal(guard.check(), 'same');
    assert.deepEqual(causes, []);
    guard.close();
  });

  for (const [generation, cause] of [
    ['changed', /taken back to a snapshot or copied \(VMGENID\)/],
    ['lost', /messages of the kernel were lost/],
  ] as const) {
    it(`ends the daemon before it looks at a request when the generation is ${generation}`, async () => {
      const { guard, causes } = guarded(() => generation);
      const { intake, look } = intakeOf(guard);
      const request = { id: 1, method: 'status', params: {} } as unknown as Request;
      let settled = false;
      void intake.answer(unconnectedSession(), request).finally(() => {
        settled = true;
      });
      for (let turns = 0; turns < 3; turns++) await nextTurn();
      assert.equal(causes.length, 1);
      assert.match(causes[0] ?? '', cause);
      assert.equal(look.mock.callCount(), 0);
      assert.equal(settled, false);
      guard.close();
    });
  }

  it('looks each second when no request comes, until it is closed', () => {
    mock.timers.enable({ apis: ['setInterval'] });
    try {
      let generation: Generation = 'same';
      const { guard, watch, causes } = guarded(() => generation);
      mock.timers.tick(5000);
      assert.deepEqual(causes, []);
      generation = 'changed';
      mock.timers.tick(1000);
      assert.equal(causes.length, 1);
      guard.close();
      mock.timers.tick(5000);
      assert.equal(causes.length, 1);
      assert.equal(watch.close.mock.callCount(), 1);
    } finally {
      mock.timers.reset();
    }
  });

  it('ends the daemon too when the watch itself fails', async () => {
    const { guard } = guarded(() => {
      throw new Error('the socket is gone');
    });
    assert.throws(() => guard.check(), /the socket is gone/);
    guard.close();
  });
});
