/** Single use under attack, against a real daemon: who gets a receipt, who gets it again, and what burns an artifact. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connect } from '../../src/client/client.js';
import { decodeRecord } from '../../src/format/record.js';
import { redeemerNonceDigest } from '../../src/format/redeemer-nonce.js';
import { writ } from '../cli/command-line.js';
import { allowed, codesOf, echo, freshKey, freshNonce } from './requests.js';
import { withClient } from './rooted-state.js';
import { copyState, prepareState, type RunningDaemon, removeState, startDaemon } from './running-daemon.js';

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

  test('is won by exactly one of 1,000 at once, on ten connections; its nonce alone brings the receipt', {
    timeout: 120_000,
  }, async () => {
    const { id } = await withClient(daemon, async (writ) =>
      allowed(await writ.authorize({ action: echo('race') })),
    );
    const clients = await Promise.all(
      Array.from({ length: 10 }, () => connect({ socketPath: daemon.socketPath })),
    );
    const attempts = clients.flatMap((client) =>
      Array.from({ length: 100 }, () => ({ client, nonce: freshNonce() })),
    );
    const answers = await Promise.all(
      attempts.map(({ client, nonce }) => client.redeem({ id, nonce, action: echo('race') })),
    );
    const winners = attempts.filter((_, position) => answers[position]?.decision === 'allow');
    assert.equal(winners.length, 1);
    for (const answer of answers)
      if (answer.decision === 'deny') assert.deepEqual(codesOf(answer), ['REPLAYED']);
    const nonce = winners[0]?.nonce ?? assert.fail();
    const again = await Promise.all(
      clients.map((client) => client.redeem({ id, nonce, action: echo('race') })),
    );
    const receipts = new Set(again.map((answer) => allowed(answer).id));
    const first = answers.find(({ decision }) => decision === 'allow') ?? assert.fail();
    assert.deepEqual([...receipts], [allowed(first).id]);
    await Promise.all(clients.map((client) => client.close()));
  });

  test('is not burnt by who presents another action, another nonce later, or no proof of the key', async () => {
    await withClient(daemon, async (writ) => {
      const { id } = allowed(await writ.authorize({ action: echo('mine') }));
      const bound = allowed(await writ.authorize({ action: echo('key'), bind: { key: freshKey() } }));
      const wrong = await Promise.all(
        Array.from({ length: 50 }, (_, number) =>
          writ.redeem({ id, nonce: freshNonce(), action: echo(`other ${number}`) }),
        ),
      );
      for (const answer of wrong) assert.deepEqual(codesOf(answer), ['SCOPE_MISMATCH']);
      const unproven = await writ.redeem({ id: bound.id, nonce: freshNonce(), action: echo('key') });
      assert.equal(unproven.decision, 'deny');
      assert.ok(!codesOf(unproven).includes('REPLAYED'));
      allowed(await writ.redeem({ id, nonce: freshNonce(), action: echo('mine') }));
      const after = await writ.redeem({ id: bound.id, nonce: freshNonce(), action: echo('key') });
      assert.ok(!codesOf(after).includes('REPLAYED'), 'a refused presentation redeemed it');
    });
  });

  test('outlives a kill: the same nonce brings the same receipt, and no other brings any', async () => {
    const nonce = freshNonce();
    const { id, receipt } = await withClient(daemon, async (writ) => {
      const { id } = allowed(await writ.authorize({ action: echo('killed') }));
      return { id, receipt: allowed(await writ.redeem({ id, nonce, action: echo('killed') })) };
    });
    await daemon.kill();
    daemon = await startDaemon({ stateDirectory: daemon.stateDirectory });
    await withClient(daemon, async (writ) => {
      const again = allowed(await writ.redeem({ id, nonce, action: echo('killed') }));
      assert.deepEqual([again.id, again.index], [receipt.id, receipt.index]);
      const other = await writ.redeem({ id, nonce: freshNonce(), action: echo('killed') });
      assert.deepEqual(codesOf(other), ['REPLAYED']);
    });
  });
});

for (const machine of ['no TPM', 'a development TPM'] as const) {
  test(`a backup restored with ${machine} gives nothing a second time`, { timeout: 120_000 }, async () => {
    const stateDirectory = await prepareState();
    if (machine === 'a development TPM') {
      const enrolled = await writ(['tpm', 'init', '--development'], { home: stateDirectory });
      assert.equal(enrolled.exitCode, 0, enrolled.stderr);
    }
    const daemon = await startDaemon({ stateDirectory });
    const { id } = await withClient(daemon, async (client) =>
      allowed(await client.authorize({ action: echo('backup'), ttlSeconds: 3600 })),
    );
    await daemon.stop();
    const backup = await copyState(stateDirectory);
    const newer = await startDaemon({ stateDirectory });
    const redeemed = await withClient(newer, (client) =>
      client.redeem({ id, nonce: freshNonce(), action: echo('backup') }),
    );
    await newer.stop();
    // Whether the restart before could prove that nothing was lost, and so redeem, is not the point: the copy must not.
    const older = await startDaemon({ stateDirectory: backup });
    const again = await withClient(older, (client) =>
      client.redeem({ id, nonce: freshNonce(), action: echo('backup') }),
    );
    assert.ok(
      codesOf(again).includes('STATE_UNVERIFIABLE'),
      `${redeemed.decision}, then ${codesOf(again).join()}`,
    );
    await older.stop();
    await removeState(backup);
    await removeState(stateDirectory);
  });
}
