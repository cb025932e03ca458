// Runs that live while another bundle is put in force: those that it would not let go on are ended at once, the others go on.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { WritClient } from '../../../src/client/client.js';
import { activateDocument } from '../../../src/client/policy-upload.js';
import { clientOf, endsOf, leaseOf, startGoverned } from '../governed-daemon.js';
import { allowed, codesOf } from '../requests.js';
import { allDead, isAlive, membersOf, nobody, RunPuppet } from '../run-puppet.js';
import { type RunningDaemon, removeState } from '../running-daemon.js';
import { forbidding, unsignedBundle } from './bundles.js';

const options = {
  timeout: 60_000,
  skip: process.getuid?.() === 0 ? false : 'needs root for control groups, and to activate a policy',
};

/** Forbids a user to run a program. */
function forbiddingUser(id: string, uid: number, path: string): string {
  return `\n@id("${id}")\nforbid (principal, action == Writ::Action::"execute", resource == Writ::Command::"${path}") when { principal.uid == ${uid} };\n`;
}

describe('a bundle that is put in force', options, () => {
  let daemon: RunningDaemon;
  let client: WritClient;
  let version = 100;
  const puppets: RunPuppet[] = [];
  const start = async (uid: number, confine: 'plain' | 'namespace') => {
    const runner = RunPuppet.start(daemon.socketPath, uid);
    puppets.push(runner);
    const run = await runner.run(confine, 'setsid sleep 300 & sleep 300');
    return { runner, ...run, members: await membersOf(leaseOf(run.lease).confinement, 3) };
  };
  const activate = async (policies: string, settings = '') => {
    version += 1;
    allowed(await activateDocument(client, unsignedBundle({ version, policies, settings })));
  };
  before(async () => {
    daemon = await startGoverned(30);
    client = await clientOf(daemon);
  });
  afterEach(async () => {
    for (const one of puppets.splice(0)) one.close();
    await activate('');
  });
  after(async () => {
    await client?.close();
    await daemon?.stop();
    if (daemon !== undefined) await removeState(daemon.stateDirectory);
  });

  test('ends the runs that it forbids, in groups and in namespaces, and tells why', options, async () => {
    const runs = [await start(nobody, 'plain'), await start(0, 'namespace')];
    await activate(forbidding('no-echo', '/usr/bin/echo'));
    for (const { runner, lease, members } of runs) {
      await allDead(...members);
      const [end, ...others] = await endsOf(client, lease);
      assert.deepEqual([end?.cause, end?.status, others], ['policy', null, []]);
      const renewal = await runner.call('lease.renew', { lease: lease.id });
      assert.deepEqual(codesOf(renewal), ['NO_AUTHORIZATION']);
      const stops = runner.stops.map((stop) => [stop.lease, stop.denials.map(({ code }) => code)]);
      assert.deepEqual(stops, [[lease.id, ['POLICY_MISMATCH']]]);
    }
    assert.equal((await client.status()).runs.live, 0);
  });

  test('lets the runs go on that it permits, beside one that it does not', options, async () => {
    const forbidden = await start(nobody, 'plain');
    const permitted = await start(0, 'namespace');
    await activate(forbiddingUser('no-echo-for-nobody', nobody, '/usr/bin/echo'));
    await allDead(...forbidden.members);
    assert.equal((await endsOf(client, forbidden.lease))[0]?.cause, 'policy');
    allowed(await permitted.runner.call('lease.renew', { lease: permitted.lease.id }));
    assert.deepEqual(
      permitted.members.map(isAlive),
      permitted.members.map(() => true),
    );
    assert.deepEqual(permitted.runner.stops, []);
    allowed(await permitted.runner.call('lease.close', { lease: permitted.lease.id, status: { exit: 0 } }));
    assert.equal((await endsOf(client, permitted.lease))[0]?.cause, 'exited');
  });

  test('ends every older run where it lets no older artifact count', options, async () => {
    const { lease, members } = await start(nobody, 'plain');
    await activate('', 'older = "deny"');
    await allDead(...members);
    assert.equal((await endsOf(client, lease))[0]?.cause, 'policy');
  });

  test('ends no run where it lets older artifacts count as they are', options, async () => {
    const { runner, lease, members } = await start(nobody, 'plain');
    await activate('', 'older = "valid"');
    allowed(await runner.call('lease.renew', { lease: lease.id }));
    assert.deepEqual(
      members.map(isAlive),
      members.map(() => true),
    );
    allowed(await runner.call('lease.close', { lease: lease.id, status: { exit: 0 } }));
  });
});
