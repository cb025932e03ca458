// Approvals through a real daemon: what a policy demands is granted once, for exactly what was approved, by people who may,
// and every way around that ends in its denial.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { appendFileSync, chmodSync, copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connect, type WritClient } from '../../src/client/client.js';
import { activateDocument } from '../../src/client/policy-upload.js';
import type { ExecuteRequest } from '../../src/format/action.js';
import { bundleDigest } from '../../src/format/bundle-digest.js';
import { envelopePayload } from '../../src/format/dsse.js';
import type { GrantPredicate } from '../../src/format/predicate.js';
import type { Allowed, AuthorizeParams, Denied, GrantResult } from '../../src/format/protocol.js';
import { decodeRecord } from '../../src/format/record.js';
import { decodeStatement } from '../../src/format/statement.js';
import { loadBundle } from '../../src/policy/bundle.js';
import { approvalBy, approveAs, bundleWith, demandingPolicy, newPerson } from './approvers.js';
import { allowed, codesOf, echo, freshNonce, trustOf } from './requests.js';
import { prepareState, type RunningDaemon, removeState, startDaemon } from './running-daemon.js';

const cli = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const run = promisify(execFile);
const ownUid = process.getuid?.() ?? 0;

const [alice, bob, carol, owner, dave, stranger] = [0, 1, 2, 3, 4, 5].map(newPerson) as [
  ReturnType<typeof newPerson>,
  ReturnType<typeof newPerson>,
  ReturnType<typeof newPerson>,
  ReturnType<typeof newPerson>,
  ReturnType<typeof newPerson>,
  ReturnType<typeof newPerson>,
];
const secondKeyOfBob = newPerson();

const approvers = `
[approvers.alice]
keys = ["${alice.key}"]
[approvers.bob]
keys = ["${bob.key}", "${secondKeyOfBob.key}"]
[approvers.carol]
keys = ["${carol.key}"]
[approvers.owner]
keys = ["${owner.key}"]
uid = ${ownUid}
[approvers.dave]
keys = ["${dave.key}"]
[groups]
managers = ["alice", "bob", "carol", "dave", "owner"]
`;

const two = '@approvals("2") @approvers("managers")';

function pendingOf(answer: GrantResult): string {
  assert.deepEqual(codesOf(answer), ['APPROVAL_REQUIRED']);
  const { pending, evidence } = answer as Denied;
  assert.ok(pending !== undefined && evidence !== null, 'the denial is evidence, and names what waits');
  return pending.id;
}

/** That an approval was refused with this code, and that the log says so. */
function refusedWith(answer: GrantResult, code: string): void {
  assert.deepEqual(codesOf(answer), [code]);
  assert.ok((answer as Denied).evidence !== null, 'the attempt is evidence');
}

function predicateOf({ artifact }: Allowed): GrantPredicate {
  const statement = decodeStatement(envelopePayload(artifact));
  assert.ok(statement.predicateType !== 'urn:writ:denial:v1');
  return statement.predicate;
}

describe('approvals', () => {
  let directory: string;
  let program: string;
  let daemon: RunningDaemon;
  let writ: WritClient;
  const deploy = (...words: string[]): ExecuteRequest => ({
    ...echo(''),
    executable: program,
    argv: ['deploy', ...words],
  });
  const ask = (params: Partial<AuthorizeParams> = {}) => writ.authorize({ action: deploy(), ...params });
  const approve = (person: ReturnType<typeof newPerson>, id: string) => approveAs(writ, person, id);

  before(async () => {
    const stateDirectory = await prepareState();
    program = join(stateDirectory, 'deploy');
    writeFileSync(program, '#!/bin/sh\necho deployed\n', { mode: 0o755 });
    const head = `action == Writ::Action::"execute", resource == Writ::Command::"${program}"`;
    directory = bundleWith(
      demandingPolicy('deployments', two, head) +
        demandingPolicy(
          'blobs',
          '@approvals("1") @approvers("managers")',
          'action == Writ::Action::"sign", resource',
        ) +
        demandingPolicy('revoking', '', 'action == Writ::Action::"revoke", resource is Writ::Key'),
      approvers,
    );
    writeFileSync(join(stateDirectory, 'writ.toml'), `[policy]\ndirectory = "${directory}"\n`);
    daemon = await startDaemon({ stateDirectory });
    writ = await connect({ socketPath: daemon.socketPath, trust: await trustOf(stateDirectory) });
  });
  after(async () => {
    await writ.close();
    assert.equal(await daemon.stop(), 0);
    await removeState(daemon.stateDirectory);
    rmSync(dirname(directory), { recursive: true });
  });

  /** The artifact that comes of a request once alice and bob approved it. */
  async function granted(params: Partial<AuthorizeParams>): Promise<Allowed> {
    const id = pendingOf(await ask(params));
    allowed(await approve(alice, id));
    allowed(await approve(bob, id));
    return allowed(await ask(params));
  }

  it('are waited for under one id, however often the same is asked', async () => {
    const params = { action: deploy('once') };
    const answer = await ask(params);
    const id = pendingOf(answer);
    assert.match((answer as Denied).denials[0].message, /2 by managers \(0 given\); the request waits as /);
    assert.equal(pendingOf(await ask(params)), id);
    const { pending } = allowed(await writ.pending({ id }));
    assert.equal(pending.state, 'waiting');
    assert.deepEqual(pending.demands, [
      { group: 'managers', approvals: 2, members: ['alice', 'bob', 'carol', 'dave', 'owner'], given: [] },
    ]);
    assert.ok((await writ.pendingList()).pending.some((summary) => summary.id === id));
  });

  it('stand in the artifact, verify offline, and let it be redeemed', async () => {
    const action = deploy('to', 'production');
    const artifact = await granted({ action, purpose: 'release' });
    const predicate = predicateOf(artifact);
    assert.deepEqual(
      predicate.governance.approvals.map(({ approver, key }) => [approver, key]),
      [
        ['alice', alice.key],
        ['bob', bob.key],
      ],
    );
    const trust = await trustOf(daemon.stateDirectory);
    const without = writ.verify(artifact.artifact, trust);
    assert.equal(without.verdict, 'valid');
    assert.ok(without.unproven.some(({ what }) => what === 'approvers'));
    const within = writ.verify(artifact.artifact, trust, { approvalRule: await loadBundle(directory) });
    assert.equal(within.verdict, 'valid');
    assert.ok(!within.unproven.some(({ what }) => what === 'approvers'));
    allowed(await writ.redeem({ id: artifact.id, nonce: freshNonce(), action }));
  });

  it('are log entries that prove themselves', async () => {
    const id = pendingOf(await ask({ action: deploy('logged') }));
    const { artifact } = allowed(await approve(carol, id));
    const record = decodeRecord(envelopePayload(artifact));
    assert.ok(record.type === 'urn:writ:approval:v1');
    assert.equal(record.approval.approver, 'carol');
    assert.equal(record.signed.pending, id);
    const { pending } = allowed(await writ.pending({ id }));
    assert.deepEqual(pending.demands[0]?.given, ['carol']);
  });

  it('are good for one artifact', async () => {
    const params = { action: deploy('single') };
    const first = pendingOf(await ask(params));
    const kept = approvalBy(alice, allowed(await writ.pending({ id: first })).pending);
    allowed(await writ.approve(kept));
    allowed(await approve(bob, first));
    allowed(await ask(params));
    const second = pendingOf(await ask(params));
    assert.notEqual(second, first);
    refusedWith(await writ.approve(kept), 'NO_AUTHORIZATION');
    refusedWith(await writ.approve({ ...kept, pending: second }), 'BAD_SIGNATURE');
  });

  it('bring one artifact, however many ask at once', async () => {
    const params = { action: deploy('race') };
    const id = pendingOf(await ask(params));
    await Promise.all([approve(alice, id), approve(bob, id)]);
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(params)));
    assert.equal(answers.filter(({ decision }) => decision === 'allow').length, 1);
    for (const answer of answers.filter(({ decision }) => decision === 'deny')) pendingOf(answer);
  });

  const changes: readonly (readonly [string, (action: ExecuteRequest) => Partial<AuthorizeParams>])[] = [
    [
      'a byte of the arguments',
      (action) => ({ action: { ...action, argv: [...action.argv.slice(0, -1), 'y'] } }),
    ],
    ['another directory', (action) => ({ action: { ...action, cwd: '/tmp' } })],
    ['another environment', (action) => ({ action: { ...action, environmentDigest: '1'.repeat(128) } })],
    ['a longer life', (action) => ({ action, ttlSeconds: 301 })],
    ['another purpose', (action) => ({ action, purpose: 'something else' })],
    ['another claim', (action) => ({ action, agent: 'somebody' })],
    ['more to start', (action) => ({ action, descend: 'none' })],
    ['another use', (action) => ({ action, use: 'lease' })],
  ];
  for (const [what, change] of changes) {
    it(`are for nothing else: ${what}`, async () => {
      const action = deploy(what, 'x');
      const id = pendingOf(await ask({ action }));
      allowed(await approve(alice, id));
      allowed(await approve(bob, id));
      assert.notEqual(pendingOf(await ask(change(action))), id);
      allowed(await ask({ action }));
    });
  }

  it('are for the file as it was', async () => {
    const action = deploy('changed');
    const id = pendingOf(await ask({ action }));
    allowed(await approve(alice, id));
    allowed(await approve(bob, id));
    writeFileSync(program, '#!/bin/sh\necho something else\n');
    assert.notEqual(pendingOf(await ask({ action })), id);
  });

  it('are for the program that asked', async () => {
    const action = deploy('initiator');
    const id = pendingOf(await ask({ action }));
    allowed(await approve(alice, id));
    allowed(await approve(bob, id));
    const other = join(daemon.stateDirectory, 'other-node');
    copyFileSync(process.execPath, other);
    appendFileSync(other, '\n');
    chmodSync(other, 0o755);
    const words = [cli, 'authorize', '--json', '--', program, 'initiator'];
    const env = { PATH: process.env.PATH, WRIT_HOME: daemon.stateDirectory };
    const asOther = await run(other, words, { env }).catch((error: { stdout: string }) => error);
    const asOwn = await run(process.execPath, words, { env }).catch((error: { stdout: string }) => error);
    const ids = [asOther, asOwn].map(({ stdout }) => pendingOf(JSON.parse(stdout)));
    assert.equal(new Set([id, ...ids]).size, 3);
  });

  it('are refused under a signature for another request', async () => {
    const [shown, meant] = [
      pendingOf(await ask({ action: deploy('harmless') })),
      pendingOf(await ask({ action: deploy('harmful') })),
    ];
    const signed = approvalBy(alice, allowed(await writ.pending({ id: shown })).pending);
    refusedWith(await writ.approve({ ...signed, pending: meant }), 'BAD_SIGNATURE');
    assert.deepEqual(allowed(await writ.pending({ id: meant })).pending.demands[0]?.given, []);
  });

  it("are refused under another's key, another form, and a stranger's key", async () => {
    const id = pendingOf(await ask({ action: deploy('keys') }));
    const signed = approvalBy(alice, allowed(await writ.pending({ id })).pending);
    refusedWith(await writ.approve({ ...signed, key: bob.key }), 'BAD_SIGNATURE');
    refusedWith(await writ.approve({ ...signed, form: 'sshsig' }), 'BAD_SIGNATURE');
    const answer = await approve(stranger, id);
    assert.deepEqual(codesOf(answer), ['BAD_CREDENTIALS']);
    assert.ok((answer as Denied).evidence !== null, 'the attempt is evidence');
  });

  it('count once for each person, whatever the key', async () => {
    const id = pendingOf(await ask({ action: deploy('twice') }));
    allowed(await approve(bob, id));
    refusedWith(await approve(bob, id), 'REPLAYED');
    refusedWith(await approve(secondKeyOfBob, id), 'REPLAYED');
    pendingOf(await ask({ action: deploy('twice') }));
  });

  it('count once for each person also when they come at once', async () => {
    const action = deploy('at once');
    const id = pendingOf(await ask({ action }));
    const answers = await Promise.all([approve(bob, id), approve(secondKeyOfBob, id), approve(bob, id)]);
    assert.equal(answers.filter(({ decision }) => decision === 'allow').length, 1);
    pendingOf(await ask({ action }));
  });

  it('are refused from whoever asked', async () => {
    const id = pendingOf(await ask({ action: deploy('own') }));
    refusedWith(await approve(owner, id), 'IDENTITY_MISMATCH');
  });

  it('are refused once nothing is missing', async () => {
    const id = pendingOf(await ask({ action: deploy('enough') }));
    allowed(await approve(alice, id));
    allowed(await approve(bob, id));
    refusedWith(await approve(carol, id), 'REPLAYED');
  });

  it('count no more once the key is revoked, and can be given by somebody else', async () => {
    const action = deploy('revoked key');
    const id = pendingOf(await ask({ action }));
    const lost = approvalBy(dave, allowed(await writ.pending({ id })).pending);
    allowed(await writ.approve(lost));
    allowed(await approve(alice, id));
    allowed(await writ.revoke({ key: dave.key, cause: 'compromised' }));
    assert.equal(pendingOf(await ask({ action })), id, 'the approval counts no more');
    refusedWith(await writ.approve(lost), 'REVOKED');
    allowed(await approve(carol, id));
    const { approvals } = predicateOf(allowed(await ask({ action }))).governance;
    assert.deepEqual(
      approvals.map(({ approver }) => approver),
      ['alice', 'carol'],
    );
  });

  it('are refused for a request that nobody made', async () => {
    const id = pendingOf(await ask({ action: deploy('none') }));
    const { pending } = allowed(await writ.pending({ id }));
    const unknown = { ...pending, id: freshNonce() };
    refusedWith(await writ.approve(approvalBy(alice, unknown)), 'NO_AUTHORIZATION');
    assert.deepEqual(codesOf(await writ.pending({ id: unknown.id })), ['NO_AUTHORIZATION']);
  });

  it('can be demanded for signatures too', async () => {
    const digests = { sha3_512: 'a'.repeat(128), blake2b: 'b'.repeat(128), sha256: 'c'.repeat(64) };
    const params = { blob: { name: 'release.tar', sizeBytes: 3, digests } };
    const id = pendingOf(await writ.sign(params));
    allowed(await approve(alice, id));
    const signed = allowed(await writ.sign(params));
    assert.equal(predicateOf(signed).governance.approvals.length, 1);
  });

  it('are waited for by a bounded number of requests of one user', async () => {
    const answers: GrantResult[] = [];
    for (let count = 0; count < 40; count++)
      answers.push(await ask({ action: deploy('many', String(count)) }));
    assert.deepEqual(codesOf(answers.at(-1) as GrantResult), ['OVERLOADED']);
  });
});

/** A daemon that lets `echo` run with two approvals, before the tests of a suite and gone after them. */
function demandingDaemon(settings = ''): { daemon: RunningDaemon; directory: string } {
  const held = { directory: '' } as { daemon: RunningDaemon; directory: string };
  before(async () => {
    const stateDirectory = await prepareState();
    const head = 'action == Writ::Action::"execute", resource == Writ::Command::"/usr/bin/echo"';
    held.directory = bundleWith(demandingPolicy('echo', two, head), approvers, settings);
    writeFileSync(join(stateDirectory, 'writ.toml'), `[policy]\ndirectory = "${held.directory}"\n`);
    held.daemon = await startDaemon({ stateDirectory });
  });
  after(async () => {
    assert.equal(await held.daemon.stop(), 0);
    await removeState(held.daemon.stateDirectory);
    rmSync(dirname(held.directory), { recursive: true });
  });
  return held;
}

describe('approvals that come too late', () => {
  const held = demandingDaemon('approvalSeconds = 8\n');

  it('find nothing that waits: it expired', async () => {
    const writ = await connect({ socketPath: held.daemon.socketPath });
    const params = { action: echo('late') };
    const id = pendingOf(await writ.authorize(params));
    const late = approvalBy(bob, allowed(await writ.pending({ id })).pending);
    allowed(await approveAs(writ, alice, id));
    await pause(8100);
    refusedWith(await writ.approve(late), 'NO_AUTHORIZATION');
    assert.notEqual(pendingOf(await writ.authorize(params)), id);
    await writ.close();
  });
});

describe('approvals under another bundle', () => {
  const held = demandingDaemon();

  it('find that another bundle is in force, which does not know one of them any more', async (context) => {
    if (ownUid !== 0) return context.skip('the starter policy lets operators activate, which root is');
    const writ = await connect({ socketPath: held.daemon.socketPath });
    const params = { action: echo('activation') };
    const id = pendingOf(await writ.authorize(params));
    const late = approvalBy(bob, allowed(await writ.pending({ id })).pending);
    allowed(await approveAs(writ, alice, id));
    const { files } = await loadBundle(held.directory);
    const newer = {
      ...files,
      'bundle.toml': (files['bundle.toml'] ?? '').replace(/^version = \d+/m, 'version = 50'),
      'approvers.toml': approvers.replace('"bob", ', ''),
    };
    const document = {
      type: 'urn:writ:policy-document:v1',
      files: newer,
      tests: {},
      statement: null,
      chain: [],
    } as const;
    allowed(await activateDocument(writ, document));
    refusedWith(await writ.approve(late), 'POLICY_MISMATCH');
    refusedWith(await approveAs(writ, carol, id), 'POLICY_MISMATCH');
    const anew = pendingOf(await writ.authorize(params));
    assert.notEqual(anew, id, 'what was approved under the bundle before counts no more');
    refusedWith(await approveAs(writ, bob, anew), 'BAD_CREDENTIALS');
    allowed(await approveAs(writ, alice, anew));
    allowed(await approveAs(writ, carol, anew));
    const artifact = allowed(await writ.authorize(params));
    assert.equal(predicateOf(artifact).policy.bundle, bundleDigest(newer));
    await writ.close();
  });

  it('find nothing that waits: the daemon was started again, with fewer approvers', async () => {
    const before = await connect({ socketPath: held.daemon.socketPath });
    const params = { action: echo('restart') };
    const id = pendingOf(await before.authorize(params));
    const late = approvalBy(bob, allowed(await before.pending({ id })).pending);
    await before.close();
    assert.equal(await held.daemon.stop(), 0);
    writeFileSync(join(held.directory, 'approvers.toml'), approvers.replace('"bob", ', ''));
    const bundleFile = join(held.directory, 'bundle.toml');
    writeFileSync(bundleFile, readFileSync(bundleFile, 'utf8').replace(/^version = \d+/m, 'version = 100'));
    const { stateDirectory } = held.daemon;
    held.daemon = await startDaemon({ stateDirectory });
    const writ = await connect({ socketPath: held.daemon.socketPath });
    refusedWith(await writ.approve(late), 'NO_AUTHORIZATION');
    const anew = pendingOf(await writ.authorize(params));
    assert.notEqual(anew, id);
    assert.deepEqual(
      codesOf(await approveAs(writ, bob, anew)),
      ['BAD_CREDENTIALS'],
      'bob is in no group any more',
    );
    await writ.close();
  });
});
