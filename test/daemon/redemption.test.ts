/** Single use under attack, against a real daemon: who gets a receipt, who gets it again, and what burns an artifact. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { decodeRecord } from '../../src/format/record.js';
import { redeemerNonceDigest } from '../../src/format/redeemer-nonce.js';
import { allowed, codesOf, echo, freshNonce } from './requests.js';
import { withClient } from './rooted-state.js';
import { type RunningDaemon, removeState, startDaemon } from './running-daemon.js';

describe('a redemption', () => {
  let daemon: RunningDaemon;

  before(async () => {
    daemon = await startDaemon();
  });
  after(async () => {
    await daemon.stop();
    await removeState(daemon.stateDirectory);
  });

  test('tells nobody who reads the log the nonce that brings its receipt again', async () => {
    const nonce = freshNonce();
    const { id, receipt } = await withClient(daemon, async (writ) => {
      const { id } = allowed(await writ.authorize({ action: echo('once') }));
      return { id, receipt: allowed(await writ.redeem({ id, nonce, action: echo('once') })) };
    });
    // Another process of the same user, which sees all that the log shows.
    await withClient(daemon, async (writ) => {
      const entry = allowed(await writ.entry({ index: receipt.index }));
      const text = Buffer.from(entry.payload ?? '', 'base64');
      const record = decodeRecord(text);
      assert.ok(record.type === 'urn:writ:redemption:v1');
      assert.equal(record.redeemerNonceDigest, redeemerNonceDigest(nonce));
      assert.ok(!text.includes(nonce));
      for (const guess of [record.nonce, freshNonce()])
        assert.deepEqual(codesOf(await writ.redeem({ id, nonce: guess, action: echo('once') })), [
          'REPLAYED',
        ]);
      const again = allowed(await writ.redeem({ id, nonce, action: echo('once') }));
      assert.deepEqual([again.id, again.index], [receipt.id, receipt.index]);
    });
  });
});
