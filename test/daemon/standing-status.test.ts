/** Standing status statements of a real daemon, and what a verifier without the daemon makes of them. */

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Allowed } from '../../src/format/protocol.js';
import type { StatusRecord } from '../../src/format/standing-status.js';
import { markOf } from '../../src/format/standing-status.js';
import { parseInstant } from '../../src/format/time.js';
import type { Trust } from '../../src/format/trust.js';
import { offlineSituation } from '../../src/verify/situation.js';
import { type ProvenStatus, proveStatus } from '../../src/verify/standing.js';
import { verify } from '../../src/verify/verify.js';
import { allowed, codesOf, echo, trustOf } from './requests.js';
import { withClient } from './rooted-state.js';
import { prepareState, type RunningDaemon, removeState, startDaemon } from './running-daemon.js';

const ttlSeconds = 7200;

describe('a standing status', () => {
  let stateDirectory: string;
  let daemon: RunningDaemon;
  let trust: Trust;

  before(async () => {
    stateDirectory = await prepareState();
    await writeFile(join(stateDirectory, 'writ.toml'), '[status]\nperiod_seconds = 1\n');
    daemon = await startDaemon({ stateDirectory });
    trust = await trustOf(stateDirectory);
  });
  after(async () => {
    await daemon.stop();
    await removeState(stateDirectory);
  });

  async function statement(): Promise<ProvenStatus> {
    const sealed = await withClient(daemon, async (writ) => allowed(await writ.statusStatement()));
    return proven(sealed.artifact);
  }

  function proven(envelope: unknown): ProvenStatus {
    const proof = proveStatus(envelope, trust);
    if (proof.outcome === 'denied') return assert.fail(proof.denial.message);
    return proof.status;
  }

  function judged(
    { artifact }: Allowed,
    status: ProvenStatus,
    { afterSeconds = 0, maxAgeSeconds = null as number | null } = {},
  ): { readonly codes: readonly string[]; readonly unproven: readonly string[] } {
    const nowMs = parseInstant(status.record.time) + 1000 * afterSeconds;
    const standing = { status, maxAgeSeconds };
    const verdict = verify(artifact, trust, { ...offlineSituation(nowMs), standing });
    return {
      codes: verdict.verdict === 'valid' ? [] : verdict.denials.map(({ code }) => code),
      unproven: verdict.unproven.map(({ what }) => what),
    };
  }

  test('tells what is revoked, what was not as of its time, and grows old', async () => {
    const { ended, standing, child, later, status } = await withClient(daemon, async (writ) => {
      const ended = allowed(await writ.authorize({ action: echo('ended'), ttlSeconds }));
      const standing = allowed(await writ.authorize({ action: echo('standing'), ttlSeconds }));
      const child = allowed(
        await writ.authorize({ action: echo('child'), parent: ended.id, ttlSeconds: 600 }),
      );
      allowed(await writ.revoke({ id: ended.id }));
      const status = await statement();
      return {
        ended,
        standing,
        child,
        later: allowed(await writ.authorize({ action: echo('later') })),
        status,
      };
    });
    assert.deepEqual(judged(ended, status).codes, ['REVOKED']);
    assert.deepEqual(judged(child, status).codes, ['REVOKED']);
    const good = judged(standing, status);
    assert.deepEqual(good.codes, []);
    assert.ok(good.unproven.includes('revocation-since'));
    assert.ok(!good.unproven.includes('no-later-revocation'));
    assert.deepEqual(judged(standing, status, { afterSeconds: 899 }).codes, []);
    assert.deepEqual(judged(standing, status, { afterSeconds: 900 }).codes, ['STATE_UNVERIFIABLE']);
    const strict = { afterSeconds: 60, maxAgeSeconds: 60 };
    assert.deepEqual(judged(standing, status, strict).codes, ['STATE_UNVERIFIABLE']);
    assert.ok(judged(standing, status, { afterSeconds: -60 }).codes.includes('CLOCK_UNTRUSTED'));
    // What was revoked stays so, however old the word of it.
    assert.deepEqual(judged(ended, status, { afterSeconds: 3600 }).codes, ['REVOKED']);
    assert.ok(judged(later, status, { afterSeconds: 1 }).codes.includes('STATE_UNVERIFIABLE'));
  });

  test('is no status of anything else: another kind of record, a forged one, one of another log', async () => {
    const sealed = await withClient(daemon, async (writ) =>
      allowed(await writ.authorize({ action: echo('no') })),
    );
    assert.equal(proveStatus(sealed.artifact, trust).outcome, 'denied');
    const { artifact } = await withClient(daemon, async (writ) => allowed(await writ.statusStatement()));
    const payload = Buffer.from(artifact.payload, 'base64')
      .toString()
      .replace('"validSeconds":900', '"validSeconds":901');
    const forged = { ...artifact, payload: Buffer.from(payload).toString('base64') };
    assert.equal(proveStatus(forged, trust).outcome, 'denied');
    const status = proven(artifact);
    const other: StatusRecord = { ...status.record, log: 'other.example/log' };
    const { codes } = judged(sealed, { ...status, record: other });
    assert.deepEqual(codes, ['STATE_UNVERIFIABLE']);
  });

  test('knows after a kill what was revoked before, and forgets what has expired', async () => {
    const { lasting, brief } = await withClient(daemon, async (writ) => {
      const lasting = allowed(await writ.authorize({ action: echo('lasting'), ttlSeconds }));
      const brief = allowed(await writ.authorize({ action: echo('brief'), ttlSeconds: 2 }));
      for (const { id } of [lasting, brief]) allowed(await writ.revoke({ id }));
      return { lasting, brief };
    });
    const { record } = await statement();
    assert.ok(record.revoked.includes(markOf(lasting.id)) && record.revoked.includes(markOf(brief.id)));
    await daemon.kill();
    daemon = await startDaemon({ stateDirectory });
    await pause(2500);
    const after = await statement();
    assert.ok(after.record.revoked.includes(markOf(lasting.id)));
    assert.ok(!after.record.revoked.includes(markOf(brief.id)));
    assert.deepEqual(after.record.revoked, [...after.record.revoked].sort());
  });

  test('lies in a file, renewed each period', async () => {
    const path = join(stateDirectory, 'status.json');
    const read = async () => proven(JSON.parse(await readFile(path, 'utf8')));
    const first = await read();
    for (;;) {
      if ((await read()).index > first.index) break;
      await pause(100);
    }
  });

  test('ends by rule what is not listed one by one, and stays silent about ancestors that it cannot judge', async () => {
    const { root, child, grandchild } = await withClient(daemon, async (writ) => {
      const root = allowed(await writ.authorize({ action: echo('root'), ttlSeconds }));
      const child = allowed(
        await writ.authorize({ action: echo('child'), parent: root.id, ttlSeconds: 600 }),
      );
      const grandchild = allowed(
        await writ.authorize({ action: echo('g'), parent: child.id, ttlSeconds: 500 }),
      );
      return { root, child, grandchild };
    });
    for (const artifact of [root, child, grandchild])
      assert.ok(judged(artifact, await statement()).unproven.includes('revocation-since'));
    await withClient(daemon, async (writ) => allowed(await writ.revoke({ initiator: { uid: 4242 } })));
    const ruled = await statement();
    assert.ok(judged(root, ruled).unproven.includes('revocation-since'));
    // Who asked for its parent is not known to whoever sees the child alone.
    assert.ok(judged(child, ruled).unproven.includes('no-later-revocation'));
    const { bundle } = await withClient(daemon, (writ) => writ.policy());
    await withClient(daemon, async (writ) => allowed(await writ.revoke({ bundle })));
    assert.deepEqual(judged(root, await statement()).codes, ['REVOKED']);
    const denied = await withClient(daemon, (writ) => writ.authorize({ action: echo('none') }));
    assert.deepEqual(codesOf(denied), ['REVOKED']);
  });
});
