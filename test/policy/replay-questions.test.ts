// Replay of what policies are asked besides: may it be handed to a key, may this change be overlooked, may a run begin, go on, or
// rest on what an older bundle had allowed; and of what of all that is no policy's to decide.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect, type WritClient } from '../../src/client/client.js';
import { activateDocument } from '../../src/client/policy-upload.js';
import type { EntryKind } from '../../src/format/entry.js';
import type { PolicyRecord } from '../../src/format/predicate.js';
import { forbidding, unsignedBundle } from '../daemon/governance/bundles.js';
import { clientOf, endsOf, startGoverned } from '../daemon/governed-daemon.js';
import { allowed, codesOf, echo, freshKey, freshNonce } from '../daemon/requests.js';
import { nobody, RunPuppet } from '../daemon/run-puppet.js';
import { prepareState, type RunningDaemon, removeState, startDaemon } from '../daemon/running-daemon.js';
import { framesOf, type Replayed, replayed, rewritten, withChangedLog } from './kept-log.js';

const options = {
  timeout: 120_000,
  skip:
    process.getuid?.() === 0
      ? false
      : 'the starter policy lets operators delegate and activate, which root is',
};

interface Logged {
  readonly index: number;
  readonly kind: EntryKind;
  /** What it says of decisions: `allow` and `deny`, in its order. */
  readonly said: readonly string[];
}

/** What the entries of a log say of decisions, but for those that say nothing of any. */
async function decisionsIn(stateDirectory: string): Promise<readonly Logged[]> {
  const frames = await framesOf(stateDirectory);
  const logged = frames.map(({ frame, index, kind }) => {
    const { policy, predicate } = JSON.parse(Buffer.from(frame.payload).toString());
    const records: readonly (PolicyRecord | null)[] = [policy ?? predicate?.policy ?? []].flat();
    return { index, kind, said: records.flatMap((record) => record?.decision ?? []) };
  });
  return logged.filter(({ said }) => said.length > 0);
}

const shortly = (logged: readonly Logged[]) => logged.map(({ kind, said }) => [kind, ...said].join(' '));
const problemsOf = ({ findings }: Replayed) =>
  findings.map(({ kind, outcome, problem }) => `${kind} ${outcome}: ${problem}`);

describe('replay of delegations and of overlooked changes', options, () => {
  const [held, refused] = [freshKey(), freshKey()];
  let state: string;
  let second: number;

  before(async () => {
    state = await prepareState();
    await writeFile(join(state, 'writ.toml'), '[environment]\nbind = ["machine", "caller.cwd"]\n');
    const daemon = await startDaemon({ stateDirectory: state });
    const client = await connect({ socketPath: daemon.socketPath });
    const bound = (key: string) =>
      client.authorize({ action: echo('x'), bind: { key }, purpose: 'p', agent: 'a' });
    allowed(await bound(held));
    const policies = `@id("not-this-key") forbid (principal, action == Writ::Action::"delegate", resource == Writ::Key::"${refused}");`;
    allowed(await activateDocument(client, unsignedBundle({ version: 1000, policies })));
    second = allowed(await bound(held)).index;
    assert.deepEqual(codesOf(await bound(refused)), ['POLICY_DENIED']);
    const { id } = allowed(await client.authorize({ action: echo('here') }));
    const here = process.cwd();
    process.chdir(tmpdir());
    try {
      const elsewhere = await client.redeem({ id, nonce: freshNonce(), action: echo('here') });
      assert.deepEqual(codesOf(elsewhere), ['ENVIRONMENT_MISMATCH']);
    } finally {
      process.chdir(here);
    }
    await client.close();
    await daemon.stop();
  });
  after(() => removeState(state));

  it('decides again what a denial names, and what it has no room for', async () => {
    assert.deepEqual(shortly(await decisionsIn(state)), [
      'authorization allow',
      'policy allow',
      'authorization allow',
      // The one that denies, and beside it the one that allowed.
      'denial deny',
      'decision allow',
      'authorization allow',
      'denial deny',
      'decision allow',
    ]);
    const { counts, findings } = await replayed(state);
    assert.deepEqual(findings, []);
    // These, and that two authorizations may be handed to a key.
    assert.equal(counts.reproduced, 10);
  });

  it('counts what no policy decides, and does not call it reproduced', async () => {
    assert.deepEqual((await replayed(state)).counts.otherGrounds, { ENVIRONMENT_MISMATCH: 1 });
  });

  it('finds an authorization in the hands of a key that it may not be handed to', async () => {
    const found = await withChangedLog(
      state,
      (read) =>
        read.index !== second
          ? read.frame
          : rewritten(read, (document: { readonly predicate: { readonly scope: object } }) => ({
              ...document,
              predicate: {
                ...document.predicate,
                scope: { ...document.predicate.scope, bind: { key: refused } },
              },
            })),
      replayed,
    );
    assert.match(
      problemsOf(found).join(),
      /^authorization differs: it says allow; decided again: deny by "not-this-key"/,
    );
  });

  it('finds a changed decision beside a denial', async () => {
    const found = await withChangedLog(
      state,
      (read) =>
        read.kind !== 'decision'
          ? read.frame
          : rewritten(read, ({ policy, ...others }: { readonly policy: readonly PolicyRecord[] }) => ({
              ...others,
              policy: policy.map((record) => ({ ...record, decision: 'deny' })),
            })),
      replayed,
    );
    assert.equal(found.counts.differing, 2);
    assert.match(
      problemsOf(found)[0] ?? '',
      /^decision differs: it says deny by .*; decided again: allow by /,
    );
  });
});

describe('replay of runs, and of artifacts of an older bundle', options, () => {
  let daemon: RunningDaemon;
  let client: WritClient;
  let runner: RunPuppet;

  before(async () => {
    daemon = await startGoverned(30);
    client = await clientOf(daemon);
    runner = RunPuppet.start(daemon.socketPath, nobody);
  });
  after(async () => {
    runner?.close();
    await client?.close();
    await daemon?.stop();
    if (daemon !== undefined) await removeState(daemon.stateDirectory);
  });

  const activate = async (version: number, policies: string) =>
    allowed(await activateDocument(client, unsignedBundle({ version, policies })));

  it('decides again whatever let them begin and go on, and whatever ended them', options, async () => {
    const { lease } = await runner.run('plain', 'sleep 300');
    allowed(await runner.call('lease.renew', { lease: lease.id }));
    const waiting = await runner.redeem();
    const older = allowed(await client.authorize({ action: echo('older') }));
    await activate(1000, '');
    allowed(await runner.call('lease.renew', { lease: lease.id }));
    allowed(await client.redeem({ id: older.id, nonce: freshNonce(), action: echo('older') }));
    const late = allowed(await client.authorize({ action: echo('late') }));
    await activate(1001, forbidding('no-echo', '/usr/bin/echo'));
    assert.equal((await endsOf(client, lease))[0]?.cause, 'policy');
    const child = await runner.fork('plain', 'sleep 300');
    const { receipt, nonce } = waiting;
    const opening = { redemption: receipt.id, nonce, child, descend: 'not-enforced' };
    assert.deepEqual(codesOf(await runner.call('lease.open', opening)), ['POLICY_MISMATCH']);
    const redemption = await client.redeem({ id: late.id, nonce: freshNonce(), action: echo('late') });
    assert.deepEqual(codesOf(redemption), ['POLICY_MISMATCH']);
    const logged = await decisionsIn(daemon.stateDirectory);
    // The end is logged when nothing of the run is left, wherever that is among the others.
    assert.deepEqual(shortly(logged.filter(({ kind }) => kind === 'end')), ['end allow deny']);
    assert.deepEqual(shortly(logged.filter(({ kind }) => kind !== 'end')), [
      'authorization allow',
      'redemption allow',
      'lease allow',
      'lease allow',
      'authorization allow',
      'redemption allow',
      'authorization allow',
      'policy allow',
      // What is older is decided on again, too.
      'lease allow allow',
      'redemption allow allow',
      'authorization allow',
      'policy allow',
      'denial deny',
      'decision allow',
      'denial deny',
      'decision allow',
    ]);
    const { counts, findings } = await replayed(daemon.stateDirectory);
    assert.deepEqual(findings, []);
    assert.deepEqual([counts.reproduced, counts.undecided, counts.otherGrounds], [20, 0, {}]);
  });

  it('shows with a denial what else led to it', options, async () => {
    const frames = await framesOf(daemon.stateDirectory);
    for (const { frame, index } of frames.filter(({ kind }) => kind === 'decision')) {
      const { denial } = JSON.parse(Buffer.from(frame.payload).toString());
      assert.ok(allowed(await client.evidence({ id: denial })).indices.includes(index));
      const { part } = allowed(await client.input({ index, offset: 0 }));
      assert.equal(part, Buffer.from(frame.attachment).toString('base64'));
    }
  });

  it('finds a lease or an end that says otherwise, and a lease that says nothing', options, async () => {
    const changed = (change: (policy: readonly PolicyRecord[]) => object, kind: EntryKind) =>
      withChangedLog(
        daemon.stateDirectory,
        (read) =>
          read.kind !== kind
            ? read.frame
            : rewritten(read, ({ policy, ...others }: { readonly policy: readonly PolicyRecord[] }) => ({
                ...others,
                ...change(policy),
              })),
        replayed,
      );
    const turned = (policy: readonly PolicyRecord[]) => ({
      policy: policy.map((record) => ({
        ...record,
        decision: record.decision === 'allow' ? 'deny' : 'allow',
      })),
    });
    const leases = await changed(turned, 'lease');
    assert.equal(leases.counts.differing, 4);
    assert.match(problemsOf(leases)[0] ?? '', /^lease differs: it says deny by .*; decided again: allow by /);
    assert.equal((await changed(turned, 'end')).counts.differing, 2);
    const silent = problemsOf(await changed(() => ({}), 'lease'));
    assert.deepEqual([...new Set(silent)], ['lease unchecked: it does not say what the policy said']);
    assert.equal(silent.length, 3);
  });
});
