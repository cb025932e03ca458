/** Revocation by rule, against a real daemon: it ends what was issued before and what is asked for later, and outlives a kill. */

import assert from 'node:assert/strict';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { WritClient } from '../../src/client/client.js';
import { parseVerifierKey } from '../../src/format/note.js';
import { decodeRecord } from '../../src/format/record.js';
import { decodeStatement } from '../../src/format/statement.js';
import { allowed, codesOf, echo, freshKey, freshNonce } from './requests.js';
import { withClient } from './rooted-state.js';
import { prepareState, type RunningDaemon, removeState, startDaemon } from './running-daemon.js';

const uid = process.getuid?.() ?? 0;
const someDigest = 'a'.repeat(128);
const someKey = freshKey();

async function codesOfRedeeming(writ: WritClient, id: `sha3-512:${string}`, text: string): Promise<string[]> {
  return codesOf(await writ.redeem({ id, nonce: freshNonce(), action: echo(text) }));
}

async function codesOfAsking(writ: WritClient, text: string): Promise<string[]> {
  return codesOf(await writ.authorize({ action: echo(text) }));
}

describe('revocation by rule', () => {
  let stateDirectory: string;
  let daemon: RunningDaemon;
  const directories: string[] = [];

  beforeEach(async () => {
    stateDirectory = await prepareState();
    directories.push(stateDirectory);
    daemon = await startDaemon({ stateDirectory });
  });
  afterEach(() => daemon.stop());
  after(() => Promise.all(directories.map(removeState)));

  test('of a user ends what it was granted and whatever it asks for, also after a kill and a restart', async () => {
    const { id, revoked } = await withClient(daemon, async (writ) => {
      const { id } = allowed(await writ.authorize({ action: echo('before') }));
      const revoked = allowed(await writ.revoke({ initiator: { uid }, cause: 'compromised' }));
      assert.deepEqual(await codesOfRedeeming(writ, id, 'before'), ['REVOKED']);
      assert.deepEqual(await codesOfAsking(writ, 'after'), ['REVOKED']);
      return { id, revoked };
    });
    const record = decodeRecord(Buffer.from(revoked.artifact.payload, 'base64'));
    assert.ok(record.type === 'urn:writ:revocation:v1');
    assert.deepEqual(record.target, { kind: 'initiator', uid, executable: null });
    assert.equal(record.cause, 'compromised');
    await daemon.kill();
    daemon = await startDaemon({ stateDirectory });
    await withClient(daemon, async (writ) => {
      assert.ok((await codesOfRedeeming(writ, id, 'before')).includes('REVOKED'));
      assert.deepEqual(await codesOfAsking(writ, 'after'), ['REVOKED']);
    });
  });

  test('of a program ends what its user was granted through it, and nothing else', async () => {
    await withClient(daemon, async (writ) => {
      const { id, artifact } = allowed(await writ.authorize({ action: echo('through node') }));
      const { predicate } = decodeStatement(Buffer.from(artifact.payload, 'base64'));
      const { executable } = predicate.initiator.peer;
      assert.ok(executable.source !== 'unavailable');
      allowed(await writ.revoke({ initiator: { uid, executable: someDigest } }));
      allowed(await writ.revoke({ initiator: { uid: uid + 1 } }));
      allowed(await writ.authorize({ action: echo('still') }));
      allowed(await writ.revoke({ initiator: { uid, executable: executable.digests.sha3_512 } }));
      assert.deepEqual(await codesOfRedeeming(writ, id, 'through node'), ['REVOKED']);
      assert.deepEqual(await codesOfAsking(writ, 'no more'), ['REVOKED']);
    });
  });

  test('of the policy bundle in force ends everything decided by it', async () => {
    await withClient(daemon, async (writ) => {
      const { id } = allowed(await writ.authorize({ action: echo('x') }));
      const { bundle } = await writ.policy();
      allowed(await writ.revoke({ bundle: someDigest }));
      allowed(await writ.authorize({ action: echo('x') }));
      allowed(await writ.revoke({ bundle }));
      assert.deepEqual(await codesOfRedeeming(writ, id, 'x'), ['REVOKED']);
      assert.deepEqual(await codesOfAsking(writ, 'x'), ['REVOKED']);
    });
  });

  test('of a key ends what is bound to it; of the keys of the daemon itself it is refused', async () => {
    await withClient(daemon, async (writ) => {
      const bound = allowed(await writ.authorize({ action: echo('k'), bind: { key: someKey } }));
      const other = allowed(await writ.authorize({ action: echo('o') }));
      const { artifactKey, log } = await writ.status();
      assert.deepEqual(codesOf(await writ.revoke({ key: artifactKey })), ['SCOPE_MISMATCH']);
      const logKey = Buffer.from(parseVerifierKey(log.vkey).publicKey).toString('base64');
      assert.deepEqual(codesOf(await writ.revoke({ key: logKey })), ['SCOPE_MISMATCH']);
      allowed(await writ.revoke({ key: someKey }));
      assert.ok((await codesOfRedeeming(writ, bound.id, 'k')).includes('REVOKED'));
      allowed(await writ.redeem({ id: other.id, nonce: freshNonce(), action: echo('o') }));
      const again = await writ.authorize({ action: echo('k'), bind: { key: someKey } });
      assert.deepEqual(codesOf(again), ['REVOKED']);
    });
  });

  test('of an artifact reaches all that descends from it', async () => {
    await withClient(daemon, async (writ) => {
      const root = allowed(await writ.authorize({ action: echo('r') }));
      const child = allowed(await writ.authorize({ action: echo('c'), parent: root.id }));
      const grandchild = allowed(await writ.authorize({ action: echo('g'), parent: child.id }));
      allowed(await writ.revoke({ id: root.id }));
      for (const [{ id }, text] of [
        [child, 'c'],
        [grandchild, 'g'],
      ] as const)
        assert.ok((await codesOfRedeeming(writ, id, text)).includes('REVOKED'));
      assert.deepEqual(codesOf(await writ.authorize({ action: echo('h'), parent: grandchild.id })), [
        'REVOKED',
      ]);
    });
  });

  test('is for the policy to permit', async () => {
    await daemon.stop();
    const policies = await withoutOperatorsRevoking(stateDirectory);
    daemon = await startDaemon({ stateDirectory, flags: ['--policy', policies] });
    await withClient(daemon, async (writ) => {
      const { bundle } = await writ.policy();
      assert.deepEqual(codesOf(await writ.revoke({ bundle })), ['POLICY_DENIED']);
      assert.deepEqual(codesOf(await writ.revoke({ key: someKey })), ['POLICY_DENIED']);
      assert.deepEqual(codesOf(await writ.revoke({ initiator: { uid: uid + 1 } })), ['POLICY_DENIED']);
      allowed(await writ.authorize({ action: echo('x') }));
      allowed(await writ.revoke({ initiator: { uid } }));
    });
  });
});

/** The starter policies, without the one that lets operators revoke anything. */
async function withoutOperatorsRevoking(stateDirectory: string): Promise<string> {
  const policies = join(stateDirectory, 'policies');
  await cp(fileURLToPath(new URL('../../../policies', import.meta.url)), policies, { recursive: true });
  const file = join(policies, 'starter.cedar');
  const text = await readFile(file, 'utf8');
  const start = text.indexOf('@id("operators-revoke")');
  const end = text.indexOf(';', start) + 1;
  assert.ok(start > 0);
  await writeFile(file, text.slice(0, start) + text.slice(end));
  const settings = join(policies, 'bundle.toml');
  await writeFile(settings, (await readFile(settings, 'utf8')).replace(/^version = \d+$/m, 'version = 1000'));
  return policies;
}
