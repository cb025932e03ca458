/** An authorization in the hands of somebody else: whoever proves to hold the key that it is bound to, and nobody besides. */

import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { chmod, chown, copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect, type WritClient } from '../../src/client/client.js';
import { base64Encode } from '../../src/format/base64.js';
import {
  type PossessionSignature,
  possessionNamespaces,
  possessionText,
} from '../../src/format/possession.js';
import type { Allowed, GrantResult } from '../../src/format/protocol.js';
import type { Trust } from '../../src/format/trust.js';
import { offlineSituation } from '../../src/verify/situation.js';
import { verify } from '../../src/verify/verify.js';
import { writ as command, type Ended } from '../cli/command-line.js';
import { newSshKey, sshSignatureBlob, withSshAgent } from '../verify/ssh-keys.js';
import { allowed, codesOf, echo, freshNonce, trustOf } from './requests.js';
import { type RunningDaemon, removeState, startDaemon } from './running-daemon.js';

const skip =
  process.getuid?.() === 0 ? false : 'the starter policy lets root delegate, and other users only as root';

describe('delegation by key', { skip }, () => {
  let daemon: RunningDaemon;
  let writ: WritClient;
  let trust: Trust;
  let scratch: string;
  const ssh = newSshKey();
  const sshKey = base64Encode(ssh.publicKey);

  before(async () => {
    daemon = await startDaemon();
    trust = await trustOf(daemon.stateDirectory);
    writ = await connect({ socketPath: daemon.socketPath, trust });
    scratch = await mkdtemp(join(tmpdir(), 'writ-delegation-'));
    await Promise.all([
      chmod(scratch, 0o777),
      chmod(daemon.stateDirectory, 0o755),
      chmod(daemon.socketPath, 0o666),
    ]);
  });
  after(async () => {
    await writ.close();
    assert.equal(await daemon.stop(), 0);
    await removeState(daemon.stateDirectory);
    await rm(scratch, { recursive: true });
  });

  const origin = () => trust.logs[0]?.origin ?? '';

  async function boundTo(key: string, text: string): Promise<Allowed> {
    return allowed(await writ.authorize({ action: echo(text), bind: { key } }));
  }

  function claimOf(id: Allowed['id'], nonce: string) {
    return { use: 'redeem', artifact: id, log: origin(), nonce, audience: null } as const;
  }

  function bySsh(
    id: Allowed['id'],
    nonce: string,
    namespace = possessionNamespaces.redeem,
  ): PossessionSignature {
    const signature = sshSignatureBlob(ssh, possessionText(claimOf(id, nonce)), namespace);
    return { form: 'sshsig', signature: base64Encode(signature) };
  }

  function byRawKey(key: KeyObject, id: Allowed['id'], nonce: string): PossessionSignature {
    const signature = sign(null, possessionText(claimOf(id, nonce)), key);
    return { form: 'ed25519', signature: signature.toString('base64') };
  }

  function assertEvidence(answer: GrantResult, code: string): void {
    assert.deepEqual(codesOf(answer), [code]);
    assert.ok(answer.decision === 'deny' && answer.evidence);
    const judged = verify(answer.evidence.artifact, trust, offlineSituation(Date.now()));
    assert.equal(judged.artifact?.statement.predicateType, 'urn:writ:denial:v1');
  }

  /** Has an authorization issued for the key, in a file that everybody may read. */
  async function handed(name: string): Promise<string> {
    const file = join(scratch, name);
    const words = ['authorize', '--bind-key', ssh.path, '-o', file, '--', '/usr/bin/echo', 'hello'];
    const issued = await command(words, { home: daemon.stateDirectory });
    assert.equal(issued.exitCode, 0, issued.stderr);
    await chmod(file, 0o644);
    return file;
  }

  /** The command line as another user. */
  function asNobody(...words: readonly string[]): Promise<Ended> {
    const launcher = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    return command(words, { home: daemon.stateDirectory, cwd: scratch, launcher });
  }

  test('without a proof, or with a wrong one: BAD_CREDENTIALS, and it is not used up', async () => {
    const artifact = await boundTo(sshKey, 'one');
    const { id } = artifact;
    const redeem = (nonce: string, possession?: PossessionSignature) =>
      writ.redeem({ id, nonce, action: echo('one'), possession });
    const nonce = freshNonce();
    // Also for the very process that asked for it.
    assertEvidence(await redeem(nonce), 'BAD_CREDENTIALS');
    assertEvidence(await redeem(nonce, bySsh(id, freshNonce())), 'BAD_CREDENTIALS');
    assertEvidence(await redeem(nonce, bySsh(id, nonce, possessionNamespaces.present)), 'BAD_CREDENTIALS');
    const other = generateKeyPairSync('ed25519').privateKey;
    assertEvidence(await redeem(nonce, byRawKey(other, id, nonce)), 'BAD_CREDENTIALS');
    const another = await boundTo(sshKey, 'two');
    assertEvidence(await redeem(nonce, bySsh(another.id, nonce)), 'BAD_CREDENTIALS');
    const receipt = allowed(await redeem(nonce, bySsh(id, nonce)));
    assert.equal(allowed(await redeem(nonce, bySsh(id, nonce))).id, receipt.id);
    const later = freshNonce();
    assertEvidence(await redeem(later, bySsh(id, later)), 'REPLAYED');
  });

  test('a bare Ed25519 signature proves it as well', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64');
    const { id } = await boundTo(raw, 'three');
    const nonce = freshNonce();
    const possession = byRawKey(privateKey, id, nonce);
    allowed(await writ.redeem({ id, nonce, action: echo('three'), possession }));
  });

  test('a proof does not make another action of it', async () => {
    const { id } = await boundTo(sshKey, 'four');
    const nonce = freshNonce();
    const possession = bySsh(id, nonce);
    assertEvidence(await writ.redeem({ id, nonce, action: echo('five'), possession }), 'SCOPE_MISMATCH');
  });

  test('a key that nobody can hold is refused at once', async () => {
    const small = base64Encode(Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? 1 : 0)));
    assertEvidence(await writ.authorize({ action: echo('x'), bind: { key: small } }), 'BAD_CREDENTIALS');
  });

  test('what comes under it is only what its run asks for', async () => {
    const parent = await boundTo(sshKey, 'six');
    assertEvidence(await writ.authorize({ action: echo('x'), parent: parent.id }), 'LINEAGE_BROKEN');
  });

  test('nobody redeems it without the key, and whoever has it in an agent does', async () => {
    const file = await handed('for-agent.json');
    assert.match((await asNobody('redeem', file)).stdout, /BAD_CREDENTIALS/);
    const publicHalf = join(scratch, 'agent.pub');
    await writeFile(publicHalf, ssh.line);
    await withSshAgent([ssh], async ({ SSH_AUTH_SOCK = '' }) => {
      const words = ['redeem', file, '--possession-key', publicHalf];
      const redeemed = await command(words, { home: daemon.stateDirectory, environment: { SSH_AUTH_SOCK } });
      assert.equal(redeemed.exitCode, 0, `${redeemed.stdout}${redeemed.stderr}`);
    });
  });

  test('another user redeems it with a key file of his own', async () => {
    const file = await handed('for-nobody.json');
    const own = join(scratch, 'nobodys');
    await copyFile(ssh.path, own);
    await chown(own, 65534, 65534);
    const redeemed = await asNobody('redeem', file, '--possession-key', own);
    assert.equal(redeemed.exitCode, 0, `${redeemed.stdout}${redeemed.stderr}`);
  });

  test('who may hand something on is for the policy to say', async () => {
    const answer = await asNobody(
      'authorize',
      '--bind-key',
      ssh.line.trim(),
      '--json',
      '--',
      '/usr/bin/echo',
      'hi',
    );
    assert.equal(answer.exitCode, 1, answer.stdout);
    assert.match(answer.stdout, /POLICY_DENIED/);
    assert.match(answer.stdout, /may not be handed to a key/);
  });

  test('on another host: the artifact, a nonce of the verifier, and a proof that answers it', async () => {
    const file = await handed('presented.json');
    const proof = join(scratch, 'proof.json');
    const home = daemon.stateDirectory;
    const nonce = freshNonce();
    const words = [
      'present',
      file,
      '--possession-key',
      ssh.path,
      '--nonce',
      nonce,
      '--audience',
      'build.example',
      '-o',
      proof,
    ];
    const made = await command(words, { home: scratch });
    assert.equal(made.exitCode, 0, made.stderr);
    const pinned = join(home, 'trust.json');
    const check = (...more: string[]) =>
      command(['verify', file, '--trust', pinned, '--possession', proof, ...more], { home: scratch });
    const good = await check('--nonce', nonce, '--audience', 'build.example');
    assert.equal(good.exitCode, 0, good.stdout);
    assert.doesNotMatch(good.stdout, /presenter|possession:/);
    assert.match((await check()).stdout, /possession: the proof .* answers no nonce/);
    for (const [more, reason] of [
      [['--nonce', freshNonce()], /BAD_CREDENTIALS .*another nonce/],
      [['--nonce', nonce, '--audience', 'other.example'], /BAD_CREDENTIALS .*for build\.example/],
    ] as const) {
      const denied = await check(...more);
      assert.equal(denied.exitCode, 1, denied.stdout);
      assert.match(denied.stdout, reason);
    }
    const unproven = await command(['verify', file, '--trust', pinned], { home: scratch });
    assert.match(unproven.stdout, /presenter: /);
  });
});
