/** Governed runs against a real daemon, a real watchdog and real processes: what ends them, and what is left of them. */

import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';
import { after, afterEach, before, describe, test } from 'node:test';
import type { WritClient } from '../../src/client/client.js';
import type { Denied } from '../../src/format/protocol.js';
import { clientOf, endsOf, leaseOf, startGoverned } from './governed-daemon.js';
import { allowed, codesOf } from './requests.js';
import { allDead, membersOf, nobody, RunPuppet } from './run-puppet.js';
import { type RunningDaemon, removeState } from './running-daemon.js';

const options = {
  timeout: 60_000,
  skip: process.getuid?.() === 0 ? false : 'needs root for PID namespaces and control groups',
};

/** A tree of five that hides: what it starts is in a session of its own, and no child of it any more. */
const hiding = 'setsid sh -c "(sleep 300; :) & (setsid sleep 300 &) ; exit" & sleep 300; :';

describe('a governed run', options, () => {
  let daemon: RunningDaemon;
  let client: WritClient;
  const puppets: RunPuppet[] = [];
  const puppet = (uid = 0) => {
    const started = RunPuppet.start(daemon.socketPath, uid);
    puppets.push(started);
    return started;
  };
  before(async () => {
    daemon = await startGoverned(30);
    client = await clientOf(daemon);
  });
  afterEach(() => {
    for (const one of puppets.splice(0)) one.close();
  });
  after(async () => {
    await client.close();
    await daemon.stop();
    await removeState(daemon.stateDirectory);
  });

  test(
    'lives under a lease that names its confinement, is renewed, and ends as its program did',
    options,
    async () => {
      const runner = puppet();
      const { artifact, lease, child } = await runner.run('namespace', 'exit 3');
      const record = leaseOf(lease);
      assert.equal(record.event, 'open');
      assert.equal(record.artifact, artifact.id);
      assert.equal(record.process.pid, child);
      assert.ok(record.confinement.kind === 'pid-namespace');
      // A PID namespace ends as one; to move it into a group would only cost time.
      assert.equal(record.confinement.cgroup, null);
      const renewal = leaseOf(allowed(await runner.call('lease.renew', { lease: lease.id })));
      assert.deepEqual([renewal.event, renewal.lease, renewal.leaseIndex], ['renew', lease.id, lease.index]);
      assert.ok(renewal.deadline.bootTimeMs >= record.deadline.bootTimeMs);
      assert.equal(await runner.wait(), 3 << 8);
      allowed(await runner.call('lease.close', { lease: lease.id, status: { exit: 3 } }));
      const [end, ...others] = await endsOf(client, lease);
      assert.deepEqual([end?.cause, end?.status, others], ['exited', { exit: 3 }, []]);
      assert.equal(end?.leaseIndex, lease.index);
      assert.equal((await client.status()).runs.live, 0);
    },
  );

  for (const [confine, uid, kind] of [
    ['namespace', 0, 'pid-namespace'],
    ['plain', nobody, 'cgroup'],
  ] as const) {
    test(`takes everything with it when it is closed, whatever hid from it: ${kind}`, options, async () => {
      const runner = puppet(uid);
      const { lease, child } = await runner.run(confine, hiding);
      const { confinement } = leaseOf(lease);
      assert.equal(confinement.kind, kind);
      const members = await membersOf(confinement, 5);
      assert.ok(members.includes(child));
      allowed(await runner.call('lease.close', { lease: lease.id, status: { exit: 0 } }));
      await allDead(...members);
      assert.equal((await endsOf(client, lease)).length, 1);
    });
  }

  test('shows what it was decided on to whoever asked for it, and to no other user', options, async () => {
    const [own, other] = [puppet(nobody), puppet(nobody - 1)];
    const { receipt, artifact } = await own.redeem();
    const run = await own.run('plain', 'sleep 300');
    for (const { index } of [artifact, receipt, run.lease]) {
      const asked = { index, offset: 0 };
      allowed(await own.call('log.input', asked));
      assert.deepEqual(codesOf(await other.call('log.input', asked)), ['NO_AUTHORIZATION']);
    }
    allowed(await own.call('lease.close', { lease: run.lease.id, status: { exit: 0 } }));
  });

  test('is killed at once, tree and all, when its artifact is revoked', options, async () => {
    const runner = puppet(nobody);
    const { artifact, lease, child } = await runner.run('plain', 'setsid sleep 300 & sleep 300');
    allowed(await client.revoke({ id: artifact.id }));
    await allDead(child);
    const [end, ...others] = await endsOf(client, lease);
    assert.deepEqual([end?.cause, others], ['revoked', []]);
    assert.equal(runner.stops[0]?.lease, lease.id);
    assert.deepEqual(
      runner.stops[0]?.denials.map(({ code }) => code),
      ['REVOKED'],
    );
    assert.deepEqual(codesOf(await runner.call('lease.renew', { lease: lease.id })), ['NO_AUTHORIZATION']);
  });

  test('ends with whoever runs it: killed, or hung up', options, async () => {
    const killed = puppet(nobody);
    const first = await killed.run('plain', 'setsid sleep 300 & sleep 300');
    killed.signal('SIGKILL');
    await allDead(first.child);
    const hung = puppet();
    const second = await hung.run('namespace', 'sleep 300');
    await hung.hangUp();
    await allDead(second.child);
    for (const { lease } of [first, second]) {
      const [end, ...others] = await endsOf(client, lease);
      assert.deepEqual([end?.cause, others], ['runner-gone', []]);
    }
  });

  test('is refused where nothing holds it together, unless its artifact accepts that', options, async () => {
    const runner = puppet();
    const { receipt, nonce } = await runner.redeem();
    const child = await runner.fork('plain', 'sleep 300');
    const params = { redemption: receipt.id, nonce, child, descend: 'not-enforced' };
    assert.deepEqual(codesOf(await runner.call('lease.open', params)), ['ENVIRONMENT_MISMATCH']);
    await allDead(child);
    const lax = puppet();
    const { lease, child: loose } = await lax.run('plain', 'sleep 300', { confine: 'best-effort' });
    assert.equal(leaseOf(lease).confinement.kind, 'best-effort');
    allowed(await lax.call('lease.close', { lease: lease.id, status: { signal: 9 } }));
    await allDead(loose);
  });

  test('is opened once, by whoever redeemed, for a child that waits', options, async () => {
    const runner = puppet();
    const { receipt, nonce } = await runner.redeem();
    const child = await runner.fork('namespace', 'sleep 300');
    const params = { redemption: receipt.id, nonce, child, descend: 'enforced' };
    const other = puppet();
    assert.deepEqual(codesOf(await other.call('lease.open', params)), ['NO_AUTHORIZATION']);
    const wrongNonce = { ...params, nonce: 'AAAAAAAAAAAAAAAAAAAAAA==' };
    assert.deepEqual(codesOf(await runner.call('lease.open', wrongNonce)), ['BAD_CREDENTIALS']);
    const foreign = { ...params, child: other.pid };
    assert.deepEqual(codesOf(await runner.call('lease.open', foreign)), ['IDENTITY_MISMATCH']);
    const lease = allowed(await runner.call('lease.open', params));
    assert.deepEqual(codesOf(await runner.call('lease.open', params)), ['REPLAYED']);
    assert.deepEqual(codesOf(await other.call('lease.renew', { lease: lease.id })), ['IDENTITY_MISMATCH']);
    const close = { lease: lease.id, status: { exit: 0 } };
    assert.deepEqual(codesOf(await other.call('lease.close', close)), ['IDENTITY_MISMATCH']);
    allowed(await runner.call('lease.close', close));
    assert.deepEqual(codesOf(await runner.call('lease.close', close)), ['NO_AUTHORIZATION']);
  });

  test('is declined by a launcher once, and the log says why', options, async () => {
    const runner = puppet();
    const { receipt, nonce } = await runner.redeem();
    const words = { code: 'SCOPE_MISMATCH', message: 'it was swapped', remedy: 'Look who did.' };
    const params = { redemption: receipt.id, nonce, ...words };
    assert.deepEqual(codesOf(await puppet().call('lease.decline', params)), ['NO_AUTHORIZATION']);
    const otherNonce = { ...params, nonce: 'AAAAAAAAAAAAAAAAAAAAAA==' };
    assert.deepEqual(codesOf(await runner.call('lease.decline', otherNonce)), ['BAD_CREDENTIALS']);
    const declined = (await runner.call('lease.decline', params)) as Denied;
    assert.deepEqual(codesOf(declined), ['SCOPE_MISMATCH']);
    assert.match(declined.denials[0].message, new RegExp(`on redemption ${receipt.index}: it was swapped$`));
    const entry = await client.entry({ index: declined.evidence?.index ?? -1 });
    assert.equal(entry.decision === 'allow' && entry.kind, 'denial');
    assert.deepEqual(codesOf(await runner.call('lease.decline', params)), ['REPLAYED']);
    const child = await runner.fork('namespace', 'sleep 300');
    const opening = { redemption: receipt.id, nonce, child, descend: 'enforced' };
    assert.deepEqual(codesOf(await runner.call('lease.open', opening)), ['REPLAYED']);
  });

  test('that was opened ends when its launcher declines it, and the log says why', options, async () => {
    const runner = puppet();
    const { receipt, nonce } = await runner.redeem();
    const child = await runner.fork('namespace', 'sleep 300');
    const opening = { redemption: receipt.id, nonce, child, descend: 'enforced' };
    const lease = allowed(await runner.call('lease.open', opening));
    const words = { code: 'ENVIRONMENT_MISMATCH', message: 'it is no program', remedy: 'Look at it.' };
    const params = { redemption: receipt.id, nonce, ...words };
    const declined = (await runner.call('lease.decline', params)) as Denied;
    assert.deepEqual(codesOf(declined), ['ENVIRONMENT_MISMATCH']);
    assert.ok((declined.evidence?.index ?? -1) > lease.index);
    await allDead(child);
    const [end, ...others] = await endsOf(client, lease);
    assert.deepEqual([end?.cause, end?.status, others], ['not-started', null, []]);
    assert.deepEqual(runner.stops, []);
    assert.deepEqual(codesOf(await runner.call('lease.decline', params)), ['REPLAYED']);
  });

  test('is not opened for a child that executes something already', options, async () => {
    const runner = puppet();
    const { receipt, nonce } = await runner.redeem();
    const child = await runner.fork('namespace', 'sleep 300');
    await runner.release();
    const runnersOwn = readlinkSync(`/proc/${runner.pid}/exe`);
    while (readlinkSync(`/proc/${child}/exe`) === runnersOwn) await new Promise(setImmediate);
    const params = { redemption: receipt.id, nonce, child, descend: 'enforced' };
    assert.deepEqual(codesOf(await runner.call('lease.open', params)), ['IDENTITY_MISMATCH']);
  });

  test('is ended when the watchdog is killed; there is another one soon', options, async () => {
    const runner = puppet(nobody);
    const { lease, child } = await runner.run('plain', 'setsid sleep 300 & sleep 300');
    const { watchdog } = (await client.status()).runs;
    assert.ok(watchdog.state === 'ready');
    process.kill(watchdog.pid, 'SIGKILL');
    await allDead(child);
    const [end] = await endsOf(client, lease);
    assert.equal(end?.cause, 'watchdog-gone');
    for (;;) {
      const { watchdog: next } = (await client.status()).runs;
      if (next.state === 'ready' && next.pid !== watchdog.pid) break;
    }
    const again = puppet(nobody);
    const { lease: second } = await again.run('plain', 'sleep 300');
    allowed(await again.call('lease.close', { lease: second.id, status: { exit: 0 } }));
  });
});

describe('a lease of two seconds', options, () => {
  let daemon: RunningDaemon;
  const puppets: RunPuppet[] = [];
  const start = async (uid: number, confine: 'plain' | 'namespace') => {
    const runner = RunPuppet.start(daemon.socketPath, uid);
    puppets.push(runner);
    return { runner, ...(await runner.run(confine, 'setsid sleep 300 & sleep 300')) };
  };
  before(async () => {
    daemon = await startGoverned(2);
  });
  afterEach(() => {
    for (const one of puppets.splice(0)) one.close();
  });
  after(async () => {
    await daemon.stop();
    await removeState(daemon.stateDirectory);
  });

  const endOf = async (lease: Parameters<typeof endsOf>[1]) => {
    const client = await clientOf(daemon);
    try {
      const [end, ...others] = await endsOf(client, lease);
      assert.deepEqual(others, []);
      return end?.cause;
    } finally {
      await client.close();
    }
  };

  test('runs out when the runner is frozen', options, async () => {
    const { runner, lease, child } = await start(nobody, 'plain');
    runner.signal('SIGSTOP');
    await allDead(child);
    assert.equal(await endOf(lease), 'expired');
  });

  test('runs out when the daemon is frozen, or killed; the next daemon logs the end', options, async () => {
    const first = await start(nobody, 'plain');
    const second = await start(0, 'namespace');
    process.kill(daemon.pid, 'SIGSTOP');
    await allDead(first.child);
    process.kill(daemon.pid, 'SIGCONT');
    assert.equal(await endOf(first.lease), 'expired');
    await allDead(second.child);
    const third = await start(nobody, 'plain');
    await daemon.kill();
    daemon = await startGoverned(2, daemon.stateDirectory);
    await allDead(third.child);
    assert.equal(await endOf(third.lease), 'daemon-gone');
  });

  test('ends with a daemon that is stopped', options, async () => {
    const { runner, lease, child } = await start(nobody, 'plain');
    assert.equal(await daemon.stop(), 0);
    await allDead(child);
    assert.deepEqual(
      runner.stops.map((stop) => stop.lease),
      [lease.id],
    );
    daemon = await startGoverned(2, daemon.stateDirectory);
    assert.equal(await endOf(lease), 'daemon-stopped');
  });
});
