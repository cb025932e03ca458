/** What happens while the token takes its time: revocations, other presentations, a clock that is set back. */

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { connect, type WritClient } from '../../src/client/client.js';
import type { GrantResult } from '../../src/format/protocol.js';
import { parseTlogProof } from '../../src/format/tlog-proof.js';
import { allowed, codesOf, echo, freshNonce } from './requests.js';
import { type RunningDaemon, removeState, startDaemon } from './running-daemon.js';
import { steppedClockPreload } from './stepped-clock.js';

describe('a daemon with a slow token', () => {
  let daemon: RunningDaemon;
  let writ: WritClient;
  let scratch: string;

  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'writ-race-'));
    const preload = await steppedClockPreload(scratch);
    daemon = await startDaemon({
      environment: { WRIT_BENCH_HSM_DELAY_MS: '300', NODE_OPTIONS: preload },
    });
    writ = await connect({ socketPath: daemon.socketPath });
  });
  after(async () => {
    await writ.close();
    assert.equal(await daemon.stop(), 0);
    await removeState(daemon.stateDirectory);
    await rm(scratch, { recursive: true });
  });

  const authorize = async (text: string, options: object = {}) =>
    allowed(await writ.authorize({ action: echo(text), ...options }));

  test('gives no receipt for an artifact whose parent is revoked while it is redeemed', async () => {
    const parent = await authorize('parent');
    const child = await authorize('child', { parent: parent.id });
    const redeemed = writ.redeem({ id: child.id, nonce: freshNonce(), action: echo('child') });
    await pause(100);
    const revoked = writ.revoke({ id: parent.id });
    assert.deepEqual(codesOf(await redeemed), ['REVOKED']);
    allowed(await revoked);
  });

  test('gives no plain signature for an artifact that is revoked meanwhile', async () => {
    const artifact = await authorize('exported');
    const exported = writ.export({ id: artifact.id });
    await pause(100);
    const revoked = writ.revoke({ id: artifact.id });
    assert.deepEqual(codesOf(await exported), ['REVOKED']);
    allowed(await revoked);
  });

  test('seals the refusals of many wrong presentations of one artifact together', async () => {
    const artifact = await authorize('wanted');
    const redeem = (text: string) =>
      writ.redeem({ id: artifact.id, nonce: freshNonce(), action: echo(text) });
    const wrong = await Promise.all(Array.from({ length: 20 }, () => redeem('another')));
    const checkpoints = wrong.map((answer: GrantResult) => {
      assert.deepEqual(codesOf(answer), ['SCOPE_MISMATCH']);
      const { sig = '' } = (answer.decision === 'deny' && answer.evidence?.artifact.signatures[0]) || {};
      return parseTlogProof(Buffer.from(sig, 'base64').toString()).checkpoint;
    });
    assert.ok(new Set(checkpoints).size < 10, `${new Set(checkpoints).size} checkpoints`);
    allowed(await redeem('wanted'));
  });

  test('neither exports nor calls valid what may have expired, while the clock is set back', async () => {
    const artifact = await authorize('short', { ttlSeconds: 1 });
    await pause(1100);
    await writeFile(join(scratch, 'step'), '-3600000');
    const { artifact: envelope } = artifact;
    assert.deepEqual(codesOf(await writ.verifyRemotely({ artifact: envelope })), ['CLOCK_UNTRUSTED']);
    assert.deepEqual(codesOf(await writ.export({ id: artifact.id })), ['CLOCK_UNTRUSTED']);
    await writeFile(join(scratch, 'step'), '0');
    assert.deepEqual(codesOf(await writ.export({ id: artifact.id })), ['EXPIRED']);
  });
});
