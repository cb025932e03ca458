/**
 * A real daemon whose kernel announces another generation of the virtual machine: it ends, and the next start takes nothing for
 * proven, even with a TPM that outlives snapshots. The machine is not really taken back: the kernel passes on the announcement that
 * it is given, in the daemon's own network namespace.
 */

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from '../../src/client/client.js';
import { machineKind } from '../../src/kernel/virtual-machine.js';
import { GenerationWatch } from '../../src/kernel/vm-generation.js';
import { writeTpmFile } from '../../src/tpm/tpm-file.js';
import {
  announce,
  inNewNetwork,
  newGeneration,
  noNewNetwork,
  withoutKernelLog,
} from '../kernel/network-namespace.js';
import { type EnrolledSwtpm, startEnrolledSwtpm } from '../tpm/enrolled-swtpm.js';
import { allowed, codesOf, echo, freshNonce } from './requests.js';
import { prepareState, type RunningDaemon, removeState, startDaemon } from './running-daemon.js';

const settings =
  '[tpm]\noutlives_snapshots = true\nanchor_period_seconds = 86400\nquote_period_seconds = 3600\n';
const lastWords = /taken back to a snapshot or copied \(VMGENID\)[^\n]*ending at once; restart to recover/;

async function logged(daemon: RunningDaemon, words: RegExp): Promise<void> {
  for (let tries = 0; !words.test(daemon.log()); tries++) {
    assert.ok(tries < 500, `not logged: ${daemon.log()}`);
    await pause(20);
  }
}

describe('a daemon whose virtual machine is taken back', { skip: noNewNetwork }, () => {
  let tpm: EnrolledSwtpm;
  let stateDirectory: string;
  let daemon: RunningDaemon | null = null;
  const start = async (): Promise<RunningDaemon> => {
    daemon = await startDaemon({ stateDirectory, launcher: inNewNetwork });
    return daemon;
  };

  before(async () => {
    tpm = await startEnrolledSwtpm();
    stateDirectory = await prepareState();
    writeTpmFile(join(stateDirectory, 'tpm.json'), { ...tpm.pinned, development: false });
    await writeFile(join(stateDirectory, 'writ.toml'), settings);
  });
  afterEach(async () => {
    await daemon?.kill();
    daemon = null;
  });
  after(async () => {
    await removeState(stateDirectory);
    await tpm.machine.close();
  });

  test('ends when the kernel says so, and what was granted is void at the next start', async () => {
    const first = await start();
    const writ = await connect({ socketPath: first.socketPath });
    const kept = allowed(await writ.authorize({ action: echo('kept') }));
    const spent = allowed(await writ.authorize({ action: echo('spent') }));
    // The log now ends with an anchor that the counter shows, as it would where everything after that is forgotten.
    const demand = { id: spent.id, nonce: freshNonce(), action: echo('spent'), anchor: 'fresh' } as const;
    allowed(await writ.redeem(demand));
    announce(first.pid, 'by the kernel', newGeneration);
    await assert.rejects(writ.redeem({ id: kept.id, nonce: freshNonce(), action: echo('kept') }));
    await logged(first, lastWords);
    assert.equal(await first.stop(), 1);

    const second = await start();
    assert.match(second.log(), /the last run did not end with an anchor/);
    const again = await connect({ socketPath: second.socketPath });
    const answer = await again.redeem({ id: kept.id, nonce: freshNonce(), action: echo('kept') });
    assert.deepEqual(codesOf(answer), ['STATE_UNVERIFIABLE']);
    await again.close();
    assert.equal(await second.stop(), 0);
  });

  test('notices it while nobody asks for anything', async () => {
    const idle = await start();
    announce(idle.pid, 'by the kernel', newGeneration);
    await logged(idle, lastWords);
    assert.equal(await idle.stop(), 1);
  });

  test('does not end as after a clean stop when it is being stopped already', async () => {
    const stopped = await start();
    const writ = await connect({ socketPath: stopped.socketPath });
    const { id } = allowed(await writ.authorize({ action: echo('a') }));
    await writ.close();
    announce(stopped.pid, 'by the kernel', newGeneration);
    assert.equal(await stopped.stop(), 1);
    const next = await start();
    const asking = await connect({ socketPath: next.socketPath });
    const answer = await asking.redeem({ id, nonce: freshNonce(), action: echo('a') });
    assert.deepEqual(codesOf(answer), ['STATE_UNVERIFIABLE']);
    await asking.close();
    assert.equal(await next.stop(), 0);
  });

  test('goes on when only a process says so, and tells whether it watches', async () => {
    const watch = GenerationWatch.open();
    watch.close();
    const undisturbed = await start();
    announce(undisturbed.pid, 'by a process', newGeneration);
    const writ = await connect({ socketPath: undisturbed.socketPath });
    assert.equal((await writ.status()).vmGeneration, watch.gap === null ? 'watched' : 'unavailable');
    await writ.close();
    assert.equal(await undisturbed.stop(), 0);
  });

  test('says at its start, and in its status, that it cannot notice it', async () => {
    const deaf = await startDaemon({ stateDirectory, launcher: withoutKernelLog });
    daemon = deaf;
    if (machineKind() !== 'physical')
      assert.match(deaf.log(), /log cannot be read here.*will not be noticed at once/);
    const writ = await connect({ socketPath: deaf.socketPath });
    assert.equal((await writ.status()).vmGeneration, 'unavailable');
    await writ.close();
    assert.equal(await deaf.stop(), 0);
  });
});
