/** A daemon with a real TPM (swtpm): quotes that artifacts cite, anchors, and a state that was taken back. */

import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { sealEnvelope } from '../../src/format/dsse.js';
import type { Allowed } from '../../src/format/protocol.js';
import { utf8Encode } from '../../src/format/utf8.js';
import { readNotice, writeDecision } from '../../src/state/rollback-notice.js';
import { writeTpmFile } from '../../src/tpm/tpm-file.js';
import { writ } from '../cli/command-line.js';
import { type EnrolledSwtpm, startEnrolledSwtpm } from '../tpm/enrolled-swtpm.js';
import { useTpm } from '../tpm/use-tpm.js';
import { allowed, codesOf, echo, freshNonce } from './requests.js';
import { rootedState, tpmBindings, withClient } from './rooted-state.js';
import { copyState, removeState, startDaemon } from './running-daemon.js';

describe('a daemon with a TPM', () => {
  let tpm: EnrolledSwtpm;
  let stateDirectory: string;

  before(async () => {
    tpm = await startEnrolledSwtpm();
    stateDirectory = await rootedState(tpm);
  });
  after(async () => {
    await removeState(stateDirectory);
    await tpm.machine.close();
  });

  test('seals the quote that an artifact cites before the artifact, and verifies it by that', async () => {
    const daemon = await startDaemon({ stateDirectory });
    await withClient(daemon, async (writ) => {
      const artifact = allowed(await writ.authorize({ action: echo('rooted') }));
      const bindings = tpmBindings(artifact);
      assert.deepEqual(
        bindings.map(({ name }) => name),
        ['pcr', 'tpm.boot', 'tpm.firmware'],
      );
      assert.match(bindings[0]?.value ?? '', /^sha256:0,7:[0-9a-f]{64}$/);
      const { tpm: status } = await writ.status();
      assert.ok(status.state !== 'unavailable');
      assert.ok(status.quote !== null && status.quote.index < artifact.index);
      assert.ok(bindings.every(({ quote }) => quote === status.quote?.id));
      const verdict = await writ.verifyRemotely({ artifact: artifact.artifact });
      assert.equal(verdict.decision, 'allow');
      const open = verdict.decision === 'allow' ? verdict.unproven.map(({ what }) => what) : [];
      assert.ok(!open.includes('quote') && !open.includes('attestation-key'), open.join());
    });
    assert.equal(await daemon.stop(), 0);
  });

  test('makes a fresh quote on demand, one for all that wait, and redeems under it', async () => {
    const daemon = await startDaemon({ stateDirectory });
    await withClient(daemon, async (writ) => {
      const first = tpmBindings(allowed(await writ.authorize({ action: echo('a') })));
      const fresh = await Promise.all(
        ['b', 'c', 'd', 'e'].map((word) => writ.authorize({ action: echo(word), attest: 'fresh' })),
      );
      const quotes = new Set(
        fresh.flatMap((answer) => tpmBindings(allowed(answer)).map(({ quote }) => quote)),
      );
      assert.ok(quotes.size <= 2, `${quotes.size} quotes`);
      assert.ok(first.every(({ quote }) => !quotes.has(quote)));
      const { id } = allowed(await writ.authorize({ action: echo('f') }));
      allowed(await writ.redeem({ id, nonce: freshNonce(), action: echo('f'), attest: 'fresh' }));
    });
    assert.equal(await daemon.stop(), 0);
  });

  test('vouches for the machine also for the first request after a long pause', async () => {
    const other = await startEnrolledSwtpm();
    const idle = await rootedState(other, '', 1);
    const daemon = await startDaemon({ stateDirectory: idle });
    const before = await withClient(daemon, async (writ) =>
      allowed(await writ.authorize({ action: echo('p') })),
    );
    await pause(3_500);
    await withClient(daemon, async (writ) => {
      allowed(await writ.redeem({ id: before.id, nonce: freshNonce(), action: echo('p') }));
      const after = allowed(await writ.authorize({ action: echo('q') }));
      assert.notEqual(tpmBindings(after)[0]?.quote, tpmBindings(before)[0]?.quote);
    });
    assert.equal(await daemon.stop(), 0);
    await removeState(idle);
    await other.machine.close();
  });

  test('anchors at start and stop, and before it answers who demands that', async () => {
    const before = useTpm(tpm.machine, (chip) => chip.readCounter(tpm.pinned.counter.index));
    const daemon = await startDaemon({ stateDirectory });
    await withClient(daemon, async (writ) => {
      const { id } = allowed(await writ.authorize({ action: echo('anchored') }));
      const nonce = freshNonce();
      const receipt = allowed(await writ.redeem({ id, nonce, action: echo('anchored'), anchor: 'fresh' }));
      const { tpm: status } = await writ.status();
      assert.ok(status.state !== 'unavailable');
      assert.equal(status.anchor.value, before + 2);
      assert.equal(status.anchor.unprotectedEntries, 0);
      const again = allowed(await writ.redeem({ id, nonce, action: echo('anchored'), anchor: 'fresh' }));
      assert.equal(again.id, receipt.id);
    });
    assert.equal(await daemon.stop(), 0);
    assert.equal(
      useTpm(tpm.machine, (chip) => chip.readCounter(tpm.pinned.counter.index)),
      before + 3,
    );
  });

  test('redeems after a clean restart what was granted before, and after a crash does not', async () => {
    const first = await startDaemon({ stateDirectory });
    const kept = await withClient(first, async (writ) =>
      allowed(await writ.authorize({ action: echo('kept') })),
    );
    assert.equal(await first.stop(), 0);
    const second = await startDaemon({ stateDirectory });
    const lost = await withClient(second, async (writ) => {
      allowed(await writ.redeem({ id: kept.id, nonce: freshNonce(), action: echo('kept') }));
      return allowed(await writ.authorize({ action: echo('lost') }));
    });
    await second.kill();
    const third = await startDaemon({ stateDirectory });
    await withClient(third, async (writ) => {
      const answer = await writ.redeem({ id: lost.id, nonce: freshNonce(), action: echo('lost') });
      assert.deepEqual(codesOf(answer), ['STATE_UNVERIFIABLE']);
    });
    assert.equal(await third.stop(), 0);
  });
});

describe('a log key that is rotated under quotes', () => {
  let tpm: EnrolledSwtpm;
  let stateDirectory: string;

  before(async () => {
    tpm = await startEnrolledSwtpm();
    stateDirectory = await rootedState(tpm);
  });
  after(async () => {
    await removeState(stateDirectory);
    await tpm.machine.close();
  });

  test('leaves artifacts verifiable that cite a quote from before, with a new proof', async () => {
    let artifact: Allowed | null = null;
    for (let keys = 0; keys < 3; keys++) {
      const daemon = await startDaemon({ stateDirectory });
      await withClient(daemon, async (client) => {
        artifact ??= allowed(await client.authorize({ action: echo('before'), ttlSeconds: 3600 }));
        const { proof } = allowed(await client.proof({ index: artifact.index }));
        const { payloadType, payload } = artifact.artifact;
        const envelope = sealEnvelope(payloadType, Buffer.from(payload, 'base64'), 'k', utf8Encode(proof));
        const verdict = await client.verifyRemotely({ artifact: envelope });
        assert.equal(verdict.decision, 'allow', JSON.stringify(verdict));
        const open = verdict.decision === 'allow' ? verdict.unproven.map(({ what }) => what) : [];
        assert.ok(!open.includes('quote'), open.join());
      });
      assert.equal(await daemon.stop(), 0);
      const rotated = await writ(['provision', 'rotate', 'log'], { home: stateDirectory });
      assert.equal(rotated.exitCode, 0, rotated.stderr);
    }
  });
});

describe('a state directory that was taken back to an earlier state', () => {
  let tpm: EnrolledSwtpm;
  let stateDirectory: string;
  let backup: string;
  let redeemed: Allowed;

  before(async () => {
    tpm = await startEnrolledSwtpm();
    stateDirectory = await rootedState(tpm);
    const first = await startDaemon({ stateDirectory });
    redeemed = await withClient(first, async (writ) =>
      allowed(await writ.authorize({ action: echo('once') })),
    );
    assert.equal(await first.stop(), 0);
    backup = await copyState(stateDirectory);
    const second = await startDaemon({ stateDirectory });
    await withClient(second, async (writ) =>
      allowed(await writ.redeem({ id: redeemed.id, nonce: freshNonce(), action: echo('once') })),
    );
    assert.equal(await second.stop(), 0);
  });
  after(async () => {
    await removeState(stateDirectory);
    await removeState(backup);
    await tpm.machine.close();
  });

  test('is refused at the start, again and again', async () => {
    for (let attempt = 0; attempt < 2; attempt++)
      await assert.rejects(startDaemon({ stateDirectory: backup }), /it was taken back to an earlier state/);
    const notice = readNotice(backup);
    assert.equal(notice?.found?.value, (notice?.announced.value ?? 0) + 2);
  });

  test('is refused also where the TPM was taken out of the configuration', async () => {
    const stripped = await copyState(backup);
    await rm(join(stripped, 'tpm.json'));
    await assert.rejects(startDaemon({ stateDirectory: stripped }), /none is configured any more/);
    await removeState(stripped);
  });

  test('is refused on another machine', async () => {
    const other = await startEnrolledSwtpm();
    const moved = await copyState(stateDirectory);
    await rm(join(moved, 'tpm.json'));
    writeTpmFile(join(moved, 'tpm.json'), { ...other.pinned, development: false });
    await assert.rejects(startDaemon({ stateDirectory: moved }), /another counter, or in another TPM/);
    await removeState(moved);
    await other.machine.close();
  });

  test('goes on by a decision about exactly this state, which is logged; its old grants stay void', async () => {
    const notice = readNotice(backup) ?? assert.fail('no notice');
    writeDecision(backup, { notice: { ...notice, size: notice.size + 1 }, by: 0, why: 'of another state' });
    await assert.rejects(startDaemon({ stateDirectory: backup }), /it was taken back to an earlier state/);
    writeDecision(backup, { notice, by: 0, why: 'the disk died' });
    const daemon = await startDaemon({ stateDirectory: backup });
    await withClient(daemon, async (writ) => {
      const answer = await writ.redeem({ id: redeemed.id, nonce: freshNonce(), action: echo('once') });
      assert.deepEqual(codesOf(answer), ['STATE_UNVERIFIABLE']);
      const { kind } = allowed(await writ.entry({ index: notice.size + 1 }));
      assert.equal(kind, 'recovery');
    });
    assert.equal(await daemon.stop(), 0);
    const again = await startDaemon({ stateDirectory: backup });
    await withClient(again, async (writ) => {
      const answer = await writ.redeem({ id: redeemed.id, nonce: freshNonce(), action: echo('once') });
      assert.deepEqual(codesOf(answer), ['STATE_UNVERIFIABLE']);
    });
    assert.equal(await again.stop(), 0);
    await assert.rejects(startDaemon({ stateDirectory }), /it was taken back to an earlier state/);
  });
});

test('a copy of a running daemon whose log ends with an anchor gives back nothing that was redeemed behind it', async () => {
  const tpm = await startEnrolledSwtpm();
  const stateDirectory = await rootedState(tpm);
  const daemon = await startDaemon({ stateDirectory });
  const [once, copy] = await withClient(daemon, async (writ) => {
    const first = allowed(await writ.authorize({ action: echo('anchored') }));
    const second = allowed(await writ.authorize({ action: echo('once') }));
    allowed(
      await writ.redeem({ id: first.id, nonce: freshNonce(), action: echo('anchored'), anchor: 'fresh' }),
    );
    const taken = await copyState(stateDirectory);
    allowed(await writ.redeem({ id: second.id, nonce: freshNonce(), action: echo('once') }));
    return [second, taken];
  });
  await daemon.kill();
  const restored = await startDaemon({ stateDirectory: copy });
  await withClient(restored, async (writ) => {
    const answer = await writ.redeem({ id: once.id, nonce: freshNonce(), action: echo('once') });
    assert.deepEqual(codesOf(answer), ['STATE_UNVERIFIABLE']);
  });
  assert.equal(await restored.stop(), 0);
  await removeState(stateDirectory);
  await removeState(copy);
  await tpm.machine.close();
});

test('without a TPM, whoever demands one is denied with evidence', async () => {
  const daemon = await startDaemon();
  await withClient(daemon, async (writ) => {
    assert.deepEqual((await writ.status()).tpm.state, 'unavailable');
    const { id } = allowed(await writ.authorize({ action: echo('x') }));
    const nonce = freshNonce();
    for (const answer of [
      await writ.authorize({ action: echo('x'), attest: 'fresh' }),
      await writ.redeem({ id, nonce, action: echo('x'), attest: 'fresh' }),
      await writ.redeem({ id, nonce, action: echo('x'), anchor: 'fresh' }),
    ]) {
      assert.deepEqual(codesOf(answer), ['TPM_UNAVAILABLE']);
      assert.ok(answer.decision === 'deny' && answer.evidence !== null);
    }
    allowed(await writ.redeem({ id, nonce, action: echo('x') }));
  });
  await daemon.stop();
  await removeState(daemon.stateDirectory);
});
