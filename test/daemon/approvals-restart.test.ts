// What waits for approval is in the log: a daemon that was killed has it again, with what was approved, and nothing that was used.

import assert from 'node:assert/strict';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { connect, type WritClient } from '../../src/client/client.js';
import { base64Decode } from '../../src/format/base64.js';
import { envelopePayload } from '../../src/format/dsse.js';
import type { PendingDetail } from '../../src/format/pending.js';
import type { Allowed, Denied, GrantResult } from '../../src/format/protocol.js';
import { decodeRecord } from '../../src/format/record.js';
import { decodeStatement } from '../../src/format/statement.js';
import { approvalBy, approveAs, bundleWith, demandingPolicy, newPerson } from './approvers.js';
import { allowed, codesOf, echo, trustOf } from './requests.js';
import { prepareState, type RunningDaemon, removeState, signerPid, startDaemon } from './running-daemon.js';

const alice = newPerson();
const bob = newPerson();
const carol = newPerson();
const approvers = `
[approvers.alice]
keys = ["${alice.key}"]
[approvers.bob]
keys = ["${bob.key}"]
[approvers.carol]
keys = ["${carol.key}"]
[groups]
managers = ["alice", "bob", "carol"]
`;

function pendingOf(answer: GrantResult): string {
  assert.deepEqual(codesOf(answer), ['APPROVAL_REQUIRED']);
  const { pending } = answer as Denied;
  assert.ok(pending !== undefined);
  return pending.id;
}

function approversOf({ artifact }: Allowed): readonly string[] {
  const statement = decodeStatement(envelopePayload(artifact));
  assert.ok(statement.predicateType !== 'urn:writ:denial:v1');
  return statement.predicate.governance.approvals.map(({ approver }) => approver);
}

/** A daemon that lets `echo` run with two approvals, and that tests kill. */
class KilledDaemon {
  #daemon: RunningDaemon | null = null;
  #writ: WritClient | null = null;
  #stateDirectory = '';
  #bundle = '';

  get writ(): WritClient {
    return this.#writ ?? assert.fail('the daemon does not run');
  }

  async prepare(settings: string): Promise<void> {
    this.#stateDirectory = await prepareState();
    const head = 'action == Writ::Action::"execute", resource == Writ::Command::"/usr/bin/echo"';
    const policies =
      demandingPolicy('echo', '@approvals("2") @approvers("managers")', head) +
      demandingPolicy('revoking', '', 'action == Writ::Action::"revoke", resource is Writ::Key');
    this.#bundle = bundleWith(policies, approvers, settings);
    writeFileSync(join(this.#stateDirectory, 'writ.toml'), `[policy]\ndirectory = "${this.#bundle}"\n`);
    await this.start();
  }

  async start(): Promise<void> {
    const stateDirectory = this.#stateDirectory;
    this.#daemon = await startDaemon({ stateDirectory });
    this.#writ = await connect({
      socketPath: this.#daemon.socketPath,
      trust: await trustOf(stateDirectory),
    });
  }

  /** What a test does while nothing can be sealed: neither the signer answers, nor could another one find the token. */
  async withoutToken(act: () => Promise<void>): Promise<void> {
    const signer = signerPid(this.#daemon?.pid ?? assert.fail('the daemon does not run'));
    const tokens = join(this.#stateDirectory, 'softhsm2', 'tokens');
    renameSync(tokens, `${tokens}.away`);
    process.kill(signer, 'SIGSTOP');
    await act();
    renameSync(`${tokens}.away`, tokens);
  }

  async kill(): Promise<void> {
    await this.#writ?.close();
    await this.#daemon?.kill();
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  async remove(): Promise<void> {
    await this.#writ?.close();
    assert.equal(await this.#daemon?.stop(), 0);
    await removeState(this.#stateDirectory);
    rmSync(dirname(this.#bundle), { recursive: true });
  }
}

describe('what waits for approval, in a daemon that is killed', { timeout: 240_000 }, () => {
  const killed = new KilledDaemon();
  before(() => killed.prepare(''));
  after(() => killed.remove());

  let params = { action: echo('0') };
  let asked = 0;
  beforeEach(() => {
    params = { action: echo(String(++asked)) };
  });
  const ask = () => killed.writ.authorize(params);
  const approve = (person: ReturnType<typeof newPerson>, id: string) => approveAs(killed.writ, person, id);
  const shown = async (id: string): Promise<PendingDetail> =>
    allowed(await killed.writ.pending({ id })).pending;

  it('waits on as it was, and brings the artifact once the rest is approved', async () => {
    const id = pendingOf(await ask());
    allowed(await approve(alice, id));
    const was = await shown(id);
    await killed.restart();
    assert.deepEqual(await shown(id), was);
    assert.equal(pendingOf(await ask()), id);
    assert.deepEqual(codesOf(await approve(alice, id)), ['REPLAYED']);
    allowed(await approve(bob, id));
    assert.deepEqual(approversOf(allowed(await ask())), ['alice', 'bob']);
  });

  it('brings the artifact at once where it was approved before', async () => {
    const id = pendingOf(await ask());
    allowed(await approve(alice, id));
    allowed(await approve(bob, id));
    await killed.restart();
    assert.equal((await shown(id)).state, 'approved');
    assert.deepEqual(approversOf(allowed(await ask())), ['alice', 'bob']);
  });

  it('is gone once an artifact used it, however often the daemon is started', async () => {
    const id = pendingOf(await ask());
    const byAlice = approvalBy(alice, await shown(id));
    allowed(await killed.writ.approve(byAlice));
    allowed(await approve(bob, id));
    allowed(await ask());
    await killed.restart();
    assert.deepEqual(codesOf(await killed.writ.approve(byAlice)), ['NO_AUTHORIZATION']);
    const anew = pendingOf(await ask());
    assert.notEqual(anew, id);
    await killed.restart();
    assert.equal(pendingOf(await ask()), anew);
    assert.deepEqual((await shown(anew)).approvals, []);
  });

  it('counts no approval by a key that was revoked since', async () => {
    const id = pendingOf(await ask());
    allowed(await approve(carol, id));
    allowed(await killed.writ.revoke({ key: carol.key, cause: 'compromised' }));
    await killed.restart();
    assert.deepEqual((await shown(id)).approvals, []);
    assert.deepEqual(codesOf(await approve(carol, id)), ['REVOKED']);
  });

  it('was not used by an artifact that was never sealed', async () => {
    const id = pendingOf(await ask());
    allowed(await approve(alice, id));
    allowed(await approve(bob, id));
    await killed.withoutToken(async () => {
      assert.deepEqual(codesOf(await ask()), ['HSM_UNAVAILABLE']);
      await killed.kill();
    });
    await killed.start();
    assert.equal((await shown(id)).state, 'approved');
    assert.deepEqual(approversOf(allowed(await ask())), ['alice', 'bob']);
    await killed.restart();
    assert.notEqual(pendingOf(await ask()), id);
  });

  it('stands in the log, with the artifact that used it', async () => {
    const id = pendingOf(await ask());
    allowed(await approve(alice, id));
    allowed(await approve(bob, id));
    const { id: artifact, index } = allowed(await ask());
    const { payload } = allowed(await killed.writ.entry({ index: index - 1 }));
    const record = decodeRecord(base64Decode(payload ?? assert.fail('it is the reader’s own')));
    assert.ok(record.type === 'urn:writ:pending:v1' && record.event === 'use');
    assert.deepEqual([record.pending, record.artifact], [id, artifact]);
  });
});

describe('what waits for approval, and expires while the daemon is down', { timeout: 120_000 }, () => {
  const killed = new KilledDaemon();
  before(() => killed.prepare('approvalSeconds = 4\n'));
  after(() => killed.remove());

  it('is gone', async () => {
    const params = { action: echo('late') };
    const id = pendingOf(await killed.writ.authorize(params));
    const { pending } = allowed(await killed.writ.pending({ id }));
    await killed.kill();
    while (Date.now() <= Date.parse(pending.expires)) await pause(50);
    await killed.start();
    assert.deepEqual(codesOf(await killed.writ.pending({ id })), ['NO_AUTHORIZATION']);
    assert.deepEqual(codesOf(await killed.writ.approve(approvalBy(alice, pending))), ['NO_AUTHORIZATION']);
    assert.notEqual(pendingOf(await killed.writ.authorize(params)), id);
  });
});
