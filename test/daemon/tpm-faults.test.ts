/** A daemon whose real TPM (swtpm) loses power, hangs, or is not there: it denies what needs the TPM, and nothing else. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Allowed } from '../../src/format/protocol.js';
import { type EnrolledSwtpm, startEnrolledSwtpm } from '../tpm/enrolled-swtpm.js';
import { allowed, codesOf, echo, freshNonce } from './requests.js';
import { rootedState, tpmBindings, withClient } from './rooted-state.js';
import { type RunningDaemon, removeState, startDaemon } from './running-daemon.js';

describe('a TPM that fails while the daemon runs', () => {
  let tpm: EnrolledSwtpm;
  let stateDirectory: string;
  let daemon: RunningDaemon;

  before(async () => {
    tpm = await startEnrolledSwtpm();
    stateDirectory = await rootedState(tpm, 'call_timeout_ms = 2000\n');
    daemon = await startDaemon({ stateDirectory });
  });
  after(async () => {
    await daemon.stop();
    await removeState(stateDirectory);
    await tpm.machine.close();
  });

  test('that lost power: what demands it is denied with evidence, a redemption is not lost, the rest goes on', async () => {
    const nonce = freshNonce();
    const { granted, earlier } = await withClient(daemon, async (writ) => ({
      granted: allowed(await writ.authorize({ action: echo('spent') })),
      earlier: allowed(await writ.authorize({ action: echo('earlier') })),
    }));
    await tpm.machine.cutPower();
    await withClient(daemon, async (writ) => {
      const denied = await writ.authorize({ action: echo('fresh'), attest: 'fresh' });
      assert.deepEqual(codesOf(denied), ['TPM_UNAVAILABLE']);
      assert.ok(denied.decision === 'deny' && denied.evidence !== null);
      const redemption = { id: granted.id, nonce, action: echo('spent') };
      assert.deepEqual(codesOf(await writ.redeem({ ...redemption, anchor: 'fresh' })), ['TPM_UNAVAILABLE']);
      allowed(await writ.authorize({ action: echo('ordinary') }));
      const { state, troubles } = await writ.status();
      assert.equal(state, 'degraded');
      assert.ok(troubles.some(({ code }) => code === 'TPM_UNAVAILABLE'));
    });
    await tpm.machine.powerOn();
    await withClient(daemon, async (writ) => {
      const fresh = await eventually(() => writ.authorize({ action: echo('fresh'), attest: 'fresh' }));
      const bootOf = (artifact: Allowed) =>
        tpmBindings(artifact).find(({ name }) => name === 'tpm.boot')?.value;
      assert.notEqual(bootOf(fresh), bootOf(earlier));
      // The TPM was reset meanwhile, so what was granted before is of another boot; and the redemption was not undone.
      const again = await writ.redeem({ id: granted.id, nonce, action: echo('spent') });
      assert.deepEqual(codesOf(again), ['ENVIRONMENT_MISMATCH']);
      const other = await writ.redeem({ id: granted.id, nonce: freshNonce(), action: echo('spent') });
      assert.deepEqual(codesOf(other).sort(), ['ENVIRONMENT_MISMATCH', 'REPLAYED']);
      const late = await writ.redeem({ id: earlier.id, nonce: freshNonce(), action: echo('earlier') });
      assert.deepEqual(codesOf(late), ['ENVIRONMENT_MISMATCH']);
      assert.match(late.decision === 'deny' ? late.denials[0].message : '', /tpm\.boot/);
      const { id } = allowed(await writ.authorize({ action: echo('after') }));
      allowed(await writ.redeem({ id, nonce: freshNonce(), action: echo('after'), anchor: 'fresh' }));
      assert.equal((await writ.status()).state, 'ready');
    });
  });

  test('that hangs holds up nobody else, and is given up at its deadline', async () => {
    tpm.machine.signal('SIGSTOP');
    try {
      await withClient(daemon, async (writ) => {
        const demanding = writ.authorize({ action: echo('hangs'), attest: 'fresh' });
        const order: string[] = [];
        const denied = demanding.then((answer) => {
          order.push('denied');
          return answer;
        });
        for (let number = 0; number < 20; number++)
          allowed(await writ.authorize({ action: echo(`n${number}`) }));
        order.push('others');
        assert.deepEqual(codesOf(await denied), ['TPM_UNAVAILABLE']);
        assert.deepEqual(order, ['others', 'denied']);
      });
    } finally {
      tpm.machine.signal('SIGCONT');
    }
    await withClient(daemon, (writ) =>
      eventually(() => writ.authorize({ action: echo('wakes'), attest: 'fresh' })),
    );
  });
});

describe('a TPM that hangs when the newest quote is too old to be believed', () => {
  let tpm: EnrolledSwtpm;
  let stateDirectory: string;
  let daemon: RunningDaemon;
  /** Of 1 second, and believed for three. */
  const quotePeriodSeconds = 1;

  before(async () => {
    tpm = await startEnrolledSwtpm();
    stateDirectory = await rootedState(tpm, 'call_timeout_ms = 2000\n', quotePeriodSeconds);
    daemon = await startDaemon({ stateDirectory });
    tpm.machine.signal('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 3500 * quotePeriodSeconds));
  });
  after(async () => {
    tpm.machine.signal('SIGCONT');
    await daemon.stop();
    await removeState(stateDirectory);
    await tpm.machine.close();
  });

  test('holds up whoever needs the environment, until its deadline, and nobody who only reads', async () => {
    await withClient(daemon, async (writ) => {
      const order: string[] = [];
      const authorizing = writ.authorize({ action: echo('waits') }).then((answer) => {
        order.push('authorize');
        return answer;
      });
      await writ.status();
      order.push('status');
      await writ.checkpoint();
      order.push('log.checkpoint');
      assert.deepEqual(tpmBindings(allowed(await authorizing)), []);
      assert.deepEqual(order, ['status', 'log.checkpoint', 'authorize']);
    });
  });
});

test('a daemon whose TPM is not there does not start, and says what to do', async () => {
  const tpm = await startEnrolledSwtpm();
  const stateDirectory = await rootedState(tpm);
  await tpm.machine.cutPower();
  await assert.rejects(startDaemon({ stateDirectory }), /writd: .*TPM/);
  await tpm.machine.powerOn();
  const daemon = await startDaemon({ stateDirectory });
  const redeemed = await withClient(daemon, async (writ) =>
    allowed(await writ.authorize({ action: echo('x') })),
  );
  await tpm.machine.cutPower();
  // The last anchor is announced, and not reached: the next start reaches it before it serves anybody.
  assert.equal(await daemon.stop(), 0);
  await tpm.machine.powerOn();
  const again = await startDaemon({ stateDirectory });
  assert.doesNotMatch(again.log(), /is void/);
  await withClient(again, async (writ) => {
    // Nothing was lost; only the TPM was reset meanwhile.
    const answer = await writ.redeem({ id: redeemed.id, nonce: freshNonce(), action: echo('x') });
    assert.deepEqual(codesOf(answer), ['ENVIRONMENT_MISMATCH']);
  });
  assert.equal(await again.stop(), 0);
  await removeState(stateDirectory);
  await tpm.machine.close();
});

/** Asks again until it is granted: the attester process is being replaced. */
async function eventually(ask: () => Promise<Allowed | { readonly decision: 'deny' }>): Promise<Allowed> {
  for (let attempt = 0; ; attempt++) {
    const answer = await ask();
    if (answer.decision === 'allow') return answer;
    if (attempt === 100) return assert.fail(`still denied: ${codesOf(answer).join()}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
