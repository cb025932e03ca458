/** Every condition of denial, brought about for real against a real daemon: each ends in its code and in evidence. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connect, type WritClient } from '../../src/client/client.js';
import { base64Decode, base64Encode } from '../../src/format/base64.js';
import type { Allowed, Denied, GrantResult } from '../../src/format/protocol.js';
import type { Trust } from '../../src/format/trust.js';
import { verifyReceipt } from '../../src/verify/receipt.js';
import { offlineSituation } from '../../src/verify/situation.js';
import { verify } from '../../src/verify/verify.js';
import { allowed, codesOf, destroy, echo, freshNonce, trustOf } from './requests.js';
import { type RunningDaemon, removeState, startDaemon } from './running-daemon.js';

const cli = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const run = promisify(execFile);
const unknownId = `sha3-512:${'0'.repeat(128)}` as const;

interface CliAnswer {
  readonly decision: string;
  readonly denials?: Denied['denials'];
}

describe('a real daemon', () => {
  let daemon: RunningDaemon;
  let writ: WritClient;
  let trust: Trust;
  let scratch: string;

  before(async () => {
    daemon = await startDaemon();
    trust = await trustOf(daemon.stateDirectory);
    writ = await connect({ socketPath: daemon.socketPath, trust });
    scratch = await mkdtemp(join(tmpdir(), 'writ-denials-'));
  });
  after(async () => {
    await writ.close();
    assert.equal(await daemon.stop(), 0);
    await removeState(daemon.stateDirectory);
    await rm(scratch, { recursive: true });
  });

  const authorize = async (text: string, options: object = {}) =>
    allowed(await writ.authorize({ action: echo(text), ...options }));

  /** Redeems through the command line: another process, started by `launcher`. */
  async function redeemElsewhere(artifact: Allowed, ...launcher: string[]): Promise<CliAnswer> {
    const file = join(scratch, `${artifact.index}.json`);
    await writeFile(file, JSON.stringify(artifact.artifact));
    const [command = process.execPath, ...args] = [
      ...launcher,
      process.execPath,
      cli,
      'redeem',
      file,
      '--json',
    ];
    const environment = { ...process.env, WRIT_HOME: daemon.stateDirectory };
    const { stdout } = await run(command, args, { env: environment }).catch(
      (error: { stdout: string }) => error,
    );
    return JSON.parse(stdout) as CliAnswer;
  }

  function assertEvidence(answer: GrantResult, ...codes: readonly string[]): void {
    assert.deepEqual(codesOf(answer), codes);
    if (answer.decision !== 'deny') return;
    assert.ok(answer.evidence, `${codes.join(' and ')} are signed evidence`);
    const verdict = verify(answer.evidence.artifact, trust, offlineSituation(Date.now()));
    assert.equal(verdict.artifact?.statement.predicateType, 'urn:writ:denial:v1');
    assert.equal(verdict.artifact?.id, answer.evidence.id);
  }

  test('authorizes, redeems once, and gives the same receipt for the same nonce', async () => {
    const artifact = await authorize('one');
    assert.equal(verify(artifact.artifact, trust, offlineSituation(Date.now())).verdict, 'valid');
    const nonce = freshNonce();
    const redeem = () => writ.redeem({ id: artifact.id, nonce, action: echo('one') });
    const receipt = allowed(await redeem());
    assert.equal(
      verifyReceipt(receipt.artifact, trust, { artifact: artifact.id, redeemerNonce: nonce }).verdict,
      'valid',
    );
    assert.equal(allowed(await redeem()).id, receipt.id);
  });

  test('NO_AUTHORIZATION: an id that the log does not hold', async () => {
    assertEvidence(
      await writ.redeem({ id: unknownId, nonce: freshNonce(), action: echo('x') }),
      'NO_AUTHORIZATION',
    );
    const revoked = await writ.revoke({ id: unknownId });
    assertEvidence(revoked, 'NO_AUTHORIZATION');
    const answers = [
      revoked,
      await writ.export({ id: unknownId }),
      await writ.lineage({ id: unknownId }),
      await writ.authorize({ action: echo('x'), parent: unknownId }),
    ];
    // To ask for an authorization helps nobody who has one and mistyped its id.
    for (const answer of answers)
      assert.match(answer.decision === 'deny' ? answer.denials[0].remedy : 'allowed', /^Check the id/);
  });

  test('BAD_SIGNATURE: a flipped bit in the payload or the proof', async () => {
    const { artifact } = await authorize('two');
    const payload = base64Decode(artifact.payload);
    const position = Buffer.from(payload).indexOf('"two"') + 1;
    payload[position] = (payload[position] ?? 0) ^ 1;
    const changed = await writ.verifyRemotely({ artifact: { ...artifact, payload: base64Encode(payload) } });
    assert.ok(codesOf(changed).includes('BAD_SIGNATURE'), codesOf(changed).join());
    const untouched = await writ.verifyRemotely({ artifact });
    assert.equal(untouched.decision, 'allow');
  });

  test('POLICY_DENIED: a forbidden command, and one that nothing permits', async () => {
    assertEvidence(await writ.authorize({ action: destroy }), 'POLICY_DENIED');
    const unlisted = { ...echo('x'), executable: '/usr/bin/env', argv: ['env'] };
    assertEvidence(await writ.authorize({ action: unlisted }), 'POLICY_DENIED');
  });

  test('REPLAYED: a second redemption, also among 200 at once', async () => {
    const artifact = await authorize('three');
    const attempts = await Promise.all(
      Array.from({ length: 200 }, () =>
        writ.redeem({ id: artifact.id, nonce: freshNonce(), action: echo('three') }),
      ),
    );
    assert.equal(attempts.filter(({ decision }) => decision === 'allow').length, 1);
    for (const answer of attempts)
      if (answer.decision === 'deny') assert.deepEqual(codesOf(answer), ['REPLAYED']);
    assertEvidence(
      await writ.redeem({ id: artifact.id, nonce: freshNonce(), action: echo('three') }),
      'REPLAYED',
    );
  });

  test('SCOPE_MISMATCH: another action, which does not burn the artifact', async () => {
    const artifact = await authorize('four');
    const redeem = (text: string) =>
      writ.redeem({ id: artifact.id, nonce: freshNonce(), action: echo(text) });
    assertEvidence(await redeem('five'), 'SCOPE_MISMATCH');
    allowed(await redeem('four'));
  });

  test('SCOPE_MISMATCH: a link, a missing file, and a file that nobody may execute', async () => {
    const at = (executable: string) => writ.authorize({ action: { ...echo('x'), executable } });
    const link = await at('/usr/bin/awk');
    assertEvidence(link, 'SCOPE_MISMATCH');
    assert.match(link.decision === 'deny' ? link.denials[0].message : '', /is a link to \/usr\/bin\//);
    assertEvidence(await at('/usr/bin/none-such'), 'SCOPE_MISMATCH');
    assertEvidence(await at('/etc/passwd'), 'SCOPE_MISMATCH');
    assertEvidence(await at('usr/bin/echo'), 'SCOPE_MISMATCH');
  });

  test('IDENTITY_MISMATCH: another process than the one it is bound to, which does not burn it', async () => {
    const artifact = await authorize('six', { bind: 'process' });
    const answer = await redeemElsewhere(artifact);
    assert.deepEqual(
      answer.denials?.map(({ code }) => code),
      ['IDENTITY_MISMATCH'],
    );
    allowed(await writ.redeem({ id: artifact.id, nonce: freshNonce(), action: echo('six') }));
  });

  test('IDENTITY_MISMATCH: another user', async (context) => {
    if (process.getuid?.() !== 0) return context.skip('acting as another user needs root');
    const artifact = await authorize('seven');
    await run('chmod', ['755', daemon.stateDirectory, scratch]);
    await run('chmod', ['666', daemon.socketPath]);
    const answer = await redeemElsewhere(
      artifact,
      'setpriv',
      '--reuid=65534',
      '--regid=65534',
      '--clear-groups',
    );
    assert.ok(
      answer.denials?.some(({ code }) => code === 'IDENTITY_MISMATCH'),
      JSON.stringify(answer),
    );
  });

  test('ENVIRONMENT_MISMATCH: another namespace', async (context) => {
    if (process.getuid?.() !== 0) return context.skip('entering another namespace needs root');
    const artifact = await authorize('eight');
    const answer = await redeemElsewhere(artifact, 'unshare', '--uts');
    assert.deepEqual(
      answer.denials?.map(({ code }) => code),
      ['ENVIRONMENT_MISMATCH'],
    );
    assert.match(answer.denials?.[0].message ?? '', /namespace\.uts/);
  });

  test('LINEAGE_BROKEN: an unknown parent, and one that may start nothing', async () => {
    assertEvidence(await writ.authorize({ action: echo('x'), parent: unknownId }), 'LINEAGE_BROKEN');
    const barren = await authorize('nine', { descend: 'none' });
    assertEvidence(await writ.authorize({ action: echo('x'), parent: barren.id }), 'LINEAGE_BROKEN');
  });

  test('a child narrows its parent, and dies with it', async () => {
    const parent = await authorize('ten', { ttlSeconds: 60 });
    const child = await authorize('eleven', { parent: parent.id, ttlSeconds: 3600 });
    const tree = allowed(await writ.lineage({ id: child.id }));
    assert.deepEqual(
      tree.nodes.map(({ id, depth, state }) => [id, depth, state]),
      [
        [parent.id, 0, 'issued'],
        [child.id, 1, 'issued'],
      ],
    );
    assert.ok((tree.nodes[1]?.notAfter ?? '') <= (tree.nodes[0]?.notAfter ?? ''));
    allowed(await writ.revoke({ id: parent.id }));
    const redeemed = await writ.redeem({ id: child.id, nonce: freshNonce(), action: echo('eleven') });
    assert.ok(codesOf(redeemed).includes('REVOKED'));
  });

  test('REVOKED: at once, for redemption and verification and export', async () => {
    const artifact = await authorize('twelve');
    allowed(await writ.revoke({ id: artifact.id, cause: 'compromised' }));
    assertEvidence(
      await writ.redeem({ id: artifact.id, nonce: freshNonce(), action: echo('twelve') }),
      'REVOKED',
    );
    assert.deepEqual(codesOf(await writ.verifyRemotely({ artifact: artifact.artifact })), ['REVOKED']);
    assert.deepEqual(codesOf(await writ.export({ id: artifact.id })), ['REVOKED']);
  });

  test('EXPIRED: after its end', async () => {
    const artifact = await authorize('thirteen', { ttlSeconds: 1 });
    await pause(1100);
    assertEvidence(
      await writ.redeem({ id: artifact.id, nonce: freshNonce(), action: echo('thirteen') }),
      'EXPIRED',
    );
  });

  test('TOO_LARGE: what could not be shown again within one line', async () => {
    const answer = await writ.authorize({ action: echo('x'.repeat(50_000)) });
    assert.deepEqual(codesOf(answer), ['TOO_LARGE']);
    assert.equal(answer.decision === 'deny' && answer.evidence, null);
  });

  test('POLICY_MISMATCH: an artifact of the bundle before', async () => {
    const artifact = await authorize('fourteen');
    await writ.close();
    assert.equal(await daemon.stop(), 0);
    const policies = join(scratch, 'policies');
    await cp(fileURLToPath(new URL('../../../policies', import.meta.url)), policies, { recursive: true });
    const settings = await readFile(join(policies, 'bundle.toml'), 'utf8');
    const stricter = settings
      .replace(/^version = \d+$/m, 'version = 1000')
      .replace('[settings]', '$&\nolder = "deny"');
    await writeFile(join(policies, 'bundle.toml'), stricter);
    daemon = await startDaemon({ stateDirectory: daemon.stateDirectory, flags: ['--policy', policies] });
    writ = await connect({ socketPath: daemon.socketPath, trust });
    // Without a TPM nothing proves that the restart lost no redemption, so it is void on top of that.
    const codes = ['POLICY_MISMATCH', 'STATE_UNVERIFIABLE'];
    const redeemed = await writ.redeem({ id: artifact.id, nonce: freshNonce(), action: echo('fourteen') });
    assertEvidence(redeemed, ...codes);
    assert.deepEqual(codesOf(await writ.verifyRemotely({ artifact: artifact.artifact })), codes);
    assert.equal(verify(artifact.artifact, trust, offlineSituation(Date.now())).verdict, 'valid');
  });

  test('a signature lasts longer than an authorization, unless it is asked for less', async (context) => {
    if (process.getuid?.() !== 0)
      return context.skip('the starter policy lets root sign, and groups that a test has not');
    const blob = {
      name: 'f',
      sizeBytes: 1,
      digests: { sha3_512: '1'.repeat(128), blake2b: '2'.repeat(128), sha256: '3'.repeat(64) },
    };
    const lasting = allowed(await writ.sign({ blob }));
    const inAMonth = offlineSituation(Date.now() + 30 * 86_400_000);
    assert.equal(verify(lasting.artifact, trust, inAMonth).verdict, 'valid');
    const brief = allowed(await writ.sign({ blob, ttlSeconds: 60 }));
    assert.equal(verify(brief.artifact, trust, inAMonth).verdict, 'denied');
  });

  test('an export carries a plain signature that any DSSE verifier accepts', async () => {
    const artifact = await authorize('fifteen');
    const exported = allowed(await writ.export({ id: artifact.id }));
    assert.equal(exported.artifact.signatures.length, 2);
    const file = await readFile(join(daemon.stateDirectory, 'trust.json'), 'utf8');
    assert.deepEqual(JSON.parse(file).artifactKeys, [exported.publicKey]);
    assert.equal(verify(exported.artifact, trust, offlineSituation(Date.now())).verdict, 'valid');
    const plainAlone = { ...exported.artifact, signatures: exported.artifact.signatures.slice(1) };
    assert.equal(verify(plainAlone, trust, offlineSituation(Date.now())).verdict, 'denied');
  });
});
