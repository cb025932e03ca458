/** Attempts to ask from inside of a run as if from outside, or under somebody else's authority: real runs, real processes. */

import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { WritClient } from '../../../src/client/client.js';
import { envelopePayload } from '../../../src/format/dsse.js';
import { possessionText } from '../../../src/format/possession.js';
import type { GrantPredicate } from '../../../src/format/predicate.js';
import type { Allowed, GrantResult } from '../../../src/format/protocol.js';
import { decodeStatement } from '../../../src/format/statement.js';
import { clientOf, endsOf, startGoverned } from '../governed-daemon.js';
import { allowed, codesOf, echo, freshNonce } from '../requests.js';
import { allDead, nobody, RunPuppet } from '../run-puppet.js';
import { type RunningDaemon, removeState } from '../running-daemon.js';
import { Askers } from './asker.js';

const options = {
  timeout: 60_000,
  skip: process.getuid?.() === 0 ? false : 'needs root for PID namespaces, control groups and other users',
};

function predicateOf(answer: GrantResult): GrantPredicate {
  const statement = decodeStatement(envelopePayload(allowed(answer).artifact));
  assert.ok(statement.predicateType !== 'urn:writ:denial:v1');
  return statement.predicate;
}

function observedUnder({ id }: Allowed) {
  return { parent: id, root: id, depth: 1, basis: 'observed' };
}

const fileToSign = {
  name: 'f',
  sizeBytes: 1,
  digests: { sha3_512: '1'.repeat(128), blake2b: '2'.repeat(128), sha256: '3'.repeat(64) },
};

describe('lineage that is observed', options, () => {
  let daemon: RunningDaemon;
  let client: WritClient;
  let askers: Askers;
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
  beforeEach(() => {
    askers = new Askers(daemon.socketPath);
  });
  afterEach(() => {
    for (const one of puppets.splice(0)) one.close();
    askers.close();
  });
  after(async () => {
    await client.close();
    await daemon.stop();
    await removeState(daemon.stateDirectory);
  });

  const asks = (text: string, more: object = {}) => ({ action: echo(text), ...more });

  test('whoever hides inside of a PID namespace is seen in it all the same', options, async () => {
    const ways: Readonly<Record<string, string>> = {
      plain: askers.command('plain'),
      forked: `(setsid sh -c "${askers.command('forked')} &" &)`,
      namespaced: `unshare --pid --fork ${askers.command('namespaced')}`,
      // Root may leave every control group, but not a PID namespace.
      regrouped: `sh -c 'echo 0 > "$(grep -m1 "cgroup2" /proc/self/mounts | cut -d" " -f2)/cgroup.procs"; ${askers.command('regrouped')}'`,
    };
    const script = `${Object.values(ways).join(' & ')} & sleep 300`;
    const { artifact } = await puppet().run('namespace', script);
    for (const name of Object.keys(ways)) {
      const answer = await askers.ask(name, 'authorize', asks(name));
      assert.deepEqual(predicateOf(answer).lineage, observedUnder(artifact), name);
    }
  });

  test('whoever hides below a control group is seen in it all the same', options, async () => {
    const ways: Readonly<Record<string, string>> = {
      plain: askers.command('plain'),
      forked: `(setsid sh -c "${askers.command('forked')} &" &)`,
      namespaced: `unshare --user --pid --fork ${askers.command('namespaced')}`,
    };
    const { artifact } = await puppet(nobody).run('plain', `${Object.values(ways).join(' & ')} & sleep 300`);
    for (const name of Object.keys(ways)) {
      const answer = await askers.ask(name, 'authorize', asks(name));
      assert.deepEqual(predicateOf(answer).lineage, observedUnder(artifact), name);
    }
  });

  test(
    'a forged parent, also of another user, is LINEAGE_BROKEN; one of its own descent is not',
    options,
    async () => {
      const { artifact } = await puppet(nobody).run('plain', `${askers.command('inside')} & sleep 300`);
      const other = await puppet(nobody).redeem();
      const roots = allowed(await client.authorize(asks('of root')));
      for (const parent of [other.artifact.id, roots.id, `sha3-512:${'0'.repeat(128)}`]) {
        const answer = await askers.ask('inside', 'authorize', asks('x', { parent }));
        assert.deepEqual(codesOf(answer), ['LINEAGE_BROKEN'], parent);
      }
      const named = await askers.ask('inside', 'authorize', asks('y', { parent: artifact.id }));
      assert.deepEqual(predicateOf(named).lineage, observedUnder(artifact));
      const below = await askers.ask('inside', 'authorize', asks('z', { parent: allowed(named).id }));
      const { id } = allowed(named);
      assert.deepEqual(predicateOf(below).lineage, {
        parent: id,
        root: artifact.id,
        depth: 2,
        basis: 'named',
      });
      // From outside nobody stands under another user's authorization either.
      const stranger = await puppet(nobody).call('authorize', asks('x', { parent: roots.id }));
      assert.deepEqual([...new Set(codesOf(stranger))], ['LINEAGE_BROKEN']);
    },
  );

  test(
    'from inside nothing from outside is used or revoked, and nothing is used up by the attempt',
    options,
    async () => {
      const runner = puppet(nobody);
      await runner.run('plain', `${askers.command('inside')} & sleep 300`);
      const outside = allowed(await runner.call('authorize', asks('mine')));
      const redemption = { id: outside.id, nonce: freshNonce(), action: echo('mine') };
      const reach = await askers.ask('inside', 'redeem', redemption);
      assert.deepEqual(codesOf(reach), ['LINEAGE_BROKEN']);
      const revoke = await askers.ask('inside', 'revoke', { id: outside.id });
      assert.deepEqual(codesOf(revoke), ['POLICY_DENIED']);
      const child = allowed(await askers.ask('inside', 'authorize', asks('own')));
      const own = { id: child.id, nonce: freshNonce(), action: echo('own') };
      allowed(await askers.ask('inside', 'redeem', own));
      allowed(await askers.ask('inside', 'revoke', { id: child.id }));
      allowed(await runner.call('redeem', { ...redemption, nonce: freshNonce() }));
    },
  );

  test('a connection belongs to whoever made it, and to nobody when he has ended', options, async () => {
    const out = askers.handover('out');
    const into = askers.handover('into');
    askers.outside('receiver', ['take', out]);
    const giver = askers.outside('sender', ['give', into]);
    const inside = [
      `sh -c 'echo $$ > ${out}.pid; exec ${askers.command('giver', ['give', out])}'`,
      askers.command('taker', ['take', into]),
    ];
    const runner = puppet(nobody);
    const { artifact } = await runner.run('plain', `${inside.join(' & ')} & sleep 300`);
    // Handed out of the run: its own place goes with it.
    const outside = await askers.ask('receiver', 'authorize', asks('handed out'));
    assert.deepEqual(predicateOf(outside).lineage, observedUnder(artifact));
    // Handed into the run: whoever made it lends his rights, as if he passed the request on.
    const lent = predicateOf(await askers.ask('taker', 'authorize', asks('handed in')));
    assert.deepEqual([lent.lineage.basis, lent.initiator.peer.pid], ['none', giver.pid]);
    giver.kill('SIGKILL');
    await allDead(giver.pid ?? 0);
    const orphaned = await askers.ask('taker', 'authorize', asks('orphaned'));
    assert.deepEqual(codesOf(orphaned), ['IDENTITY_MISMATCH']);
    await puppetEnds(runner);
    const late = await askers.ask('receiver', 'authorize', asks('late'));
    assert.deepEqual(codesOf(late), ['IDENTITY_MISMATCH']);
  });

  /** Ends a run by its runner's death. */
  async function puppetEnds(runner: RunPuppet): Promise<void> {
    runner.signal('SIGKILL');
    await allDead(runner.pid);
    while ((await client.status()).runs.live > 0);
  }

  test('nothing that a run asked for is of use after it, but what it signed', options, async () => {
    const runner = puppet();
    const { artifact, lease } = await runner.run('namespace', `${askers.command('inside')} & sleep 300`);
    const child = allowed(await askers.ask('inside', 'authorize', asks('child')));
    const signed = predicateOf(await askers.ask('inside', 'sign', { blob: fileToSign }));
    assert.deepEqual(signed.lineage, observedUnder(artifact));
    const above = predicateOf(artifact);
    assert.ok(above.validity.use === 'lease' && signed.validity.notAfter > above.validity.until);
    const running = allowed(await client.lineage({ id: child.id })).nodes;
    assert.deepEqual(running.map(({ state, basis }) => [state, basis]).slice(0, 2), [
      ['running', 'none'],
      ['issued', 'observed'],
    ]);
    allowed(await runner.call('lease.close', { lease: lease.id, status: { exit: 7 } }));
    const redeemed = await client.redeem({ id: child.id, nonce: freshNonce(), action: echo('child') });
    assert.ok(codesOf(redeemed).includes('LINEAGE_BROKEN'), codesOf(redeemed).join());
    const [root] = allowed(await client.lineage({ id: child.id })).nodes;
    assert.deepEqual([root?.state, root?.end], ['ended', { cause: 'exited', status: { exit: 7 } }]);
    const under = await client.authorize(asks('too late', { parent: artifact.id }));
    assert.deepEqual(codesOf(under), ['LINEAGE_BROKEN']);
  });

  test(
    'a run below another ends with it, wherever it runs, and revoking a node ends all below',
    options,
    async () => {
      for (const way of ['revoked', 'closed'] as const) {
        const runner = puppet(nobody);
        const { artifact, lease, child } = await runner.run('plain', `${askers.command(way)} & sleep 300`);
        const terms = asks('below', { use: 'lease' });
        const below = allowed(await askers.ask(way, 'authorize', terms));
        // An accomplice outside redeems it, and runs it in a group of its own.
        const accomplice = puppet(nobody);
        const nonce = freshNonce();
        const receipt = allowed(
          await accomplice.call('redeem', { id: below.id, nonce, action: echo('below') }),
        );
        const held = await accomplice.fork('plain', 'setsid sleep 300 & sleep 300');
        const params = { redemption: receipt.id, nonce, child: held, descend: 'not-enforced' };
        const second = allowed(await accomplice.call('lease.open', params));
        await accomplice.release();
        if (way === 'revoked') allowed(await client.revoke({ id: artifact.id }));
        else allowed(await runner.call('lease.close', { lease: lease.id, status: { exit: 0 } }));
        await allDead(child, held);
        const [end] = await endsOf(client, second);
        assert.equal(end?.cause, way === 'revoked' ? 'revoked' : 'lineage');
      }
    },
  );

  test(
    'whoever holds the key runs what was handed to him as himself, and what that asks for comes under it',
    options,
    async () => {
      const { publicKey, privateKey } = generateKeyPairSync('ed25519');
      const key = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64');
      const handed = allowed(await client.authorize(asks('handed', { use: 'lease', bind: { key } })));
      const runner = puppet(nobody);
      const nonce = freshNonce();
      const { log } = predicateOf(handed).attribution;
      const claim = { use: 'redeem', artifact: handed.id, log, nonce, audience: null } as const;
      const signature = sign(null, possessionText(claim), privateKey).toString('base64');
      const params = { id: handed.id, nonce, action: echo('handed') };
      assert.deepEqual(codesOf(await runner.call('redeem', params)), ['BAD_CREDENTIALS']);
      const possession = { form: 'ed25519', signature };
      const receipt = allowed(await runner.call('redeem', { ...params, possession }));
      const child = await runner.fork('plain', `${askers.command('delegate')} & sleep 300`);
      const opening = { redemption: receipt.id, nonce, child, descend: 'not-enforced' };
      const lease = allowed(await runner.call('lease.open', opening));
      await runner.release();
      const below = predicateOf(await askers.ask('delegate', 'authorize', asks('below')));
      assert.deepEqual(below.lineage, observedUnder(handed));
      assert.equal(below.scope.uid, nobody);
      allowed(await runner.call('lease.renew', { lease: lease.id }));
      allowed(await client.revoke({ id: handed.id }));
      await allDead(child);
    },
  );
});
