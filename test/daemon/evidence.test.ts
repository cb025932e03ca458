/** What a real daemon tells about a decision: where the log speaks of it, and what was decided on, whole and as it was digested. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect, type WritClient } from '../../src/client/client.js';
import { base64Decode } from '../../src/format/base64.js';
import { envelopePayload } from '../../src/format/dsse.js';
import { splitInputs } from '../../src/format/kept-inputs.js';
import { decodeRecord } from '../../src/format/record.js';
import { decodeStatement } from '../../src/format/statement.js';
import { allowed, codesOf, echo, freshNonce, trustOf } from './requests.js';
import { type RunningDaemon, removeState, startDaemon } from './running-daemon.js';

describe('evidence', () => {
  let daemon: RunningDaemon;
  let writ: WritClient;

  before(async () => {
    daemon = await startDaemon();
    writ = await connect({ socketPath: daemon.socketPath, trust: await trustOf(daemon.stateDirectory) });
  });
  after(async () => {
    await writ.close();
    await daemon.stop();
    await removeState(daemon.stateDirectory);
  });

  async function kindsAt(indices: readonly number[]): Promise<string[]> {
    const entries = await Promise.all(indices.map((index) => writ.entry({ index })));
    return entries.map((entry) => (entry.decision === 'allow' ? entry.kind : 'none'));
  }

  test('finds what the log says about an artifact and its ancestors, and nothing else', async () => {
    const root = allowed(await writ.authorize({ action: echo('root') }));
    const other = allowed(await writ.authorize({ action: echo('other') }));
    const child = allowed(await writ.authorize({ action: echo('child'), parent: root.id }));
    const receipt = allowed(await writ.redeem({ id: child.id, nonce: freshNonce(), action: echo('child') }));
    const revocation = allowed(await writ.revoke({ id: root.id }));
    const found = await writ.evidence({ id: child.id });
    assert.ok(found.decision === 'allow');
    assert.deepEqual(
      found.indices,
      [...found.indices].sort((left, right) => left - right),
    );
    for (const { index } of [root, child, receipt, revocation]) assert.ok(found.indices.includes(index));
    assert.ok(!found.indices.includes(other.index));
    assert.deepEqual((await kindsAt(found.indices)).sort(), [
      'authorization',
      'authorization',
      'policy',
      'redemption',
      'revocation',
    ]);
  });

  test('finds a denial, and refuses what is unknown', async () => {
    const denied = await writ.authorize({ action: { ...echo('x'), executable: '/usr/bin/rm' } });
    assert.ok(denied.decision === 'deny' && denied.evidence !== null);
    const found = await writ.evidence({ id: denied.evidence.id });
    assert.ok(found.decision === 'allow' && found.indices.includes(denied.evidence.index));
    assert.deepEqual(codesOf(await writ.evidence({ id: `sha3-512:${'0'.repeat(128)}` })), [
      'NO_AUTHORIZATION',
    ]);
  });

  test('gives the input that a decision digests, and the bundle that it names', async () => {
    const { index, artifact } = allowed(await writ.authorize({ action: echo('x'.repeat(15_000)) }));
    const { predicate } = decodeStatement(envelopePayload(artifact));
    assert.ok(predicate.policy !== null);
    const input = await whole((offset) => writ.input({ index, offset }));
    assert.equal(createHash('sha3-512').update(input).digest('hex'), predicate.policy.input);
    const { bundle } = predicate.policy;
    const document = await whole((offset) => writ.bundle({ digest: bundle, offset }));
    assert.equal(createHash('sha3-512').update(document).digest('hex'), bundle);
    assert.deepEqual(codesOf(await writ.bundle({ digest: '0'.repeat(128), offset: 0 })), [
      'NO_AUTHORIZATION',
    ]);
  });

  test('gives the inputs that a redemption and a revocation digest', async () => {
    const artifact = allowed(await writ.authorize({ action: echo('redeemed') }));
    const receipt = allowed(
      await writ.redeem({ id: artifact.id, nonce: freshNonce(), action: echo('redeemed') }),
    );
    const revocation = allowed(await writ.revoke({ id: artifact.id }));
    for (const { index, artifact: sealed } of [receipt, revocation]) {
      const record = decodeRecord(envelopePayload(sealed));
      assert.ok('policy' in record && record.policy !== undefined);
      const inputs = splitInputs(await whole((offset) => writ.input({ index, offset })));
      assert.deepEqual(
        inputs.map((input) => createHash('sha3-512').update(input).digest('hex')),
        record.policy.map(({ input }) => input),
      );
    }
  });

  test('says so when the bundle that was kept is not whole', async () => {
    const { bundle } = await writ.policy();
    await writeFile(join(daemon.stateDirectory, 'policies', `${bundle}.json`), '{}');
    assert.deepEqual(codesOf(await writ.bundle({ digest: bundle, offset: 0 })), ['STATE_UNVERIFIABLE']);
    assert.equal((await writ.status()).state, 'ready');
  });

  // The last one: the rule ends what this very program asks for.
  test('finds the rule that ends an artifact', async () => {
    const artifact = allowed(await writ.authorize({ action: echo('ruled') }));
    const { predicate } = decodeStatement(envelopePayload(artifact.artifact));
    assert.ok(predicate.initiator.peer.executable.source !== 'unavailable');
    const executable = 'e'.repeat(128);
    const other = allowed(
      await writ.revoke({ initiator: { uid: predicate.initiator.peer.uid, executable } }),
    );
    assert.ok(other.index > artifact.index);
    const found = await writ.evidence({ id: artifact.id });
    assert.ok(found.decision === 'allow' && !found.indices.includes(other.index));
    const { sha3_512 } = predicate.initiator.peer.executable.digests;
    const rule = allowed(
      await writ.revoke({ initiator: { uid: predicate.initiator.peer.uid, executable: sha3_512 } }),
    );
    const after = await writ.evidence({ id: artifact.id });
    assert.ok(after.decision === 'allow' && after.indices.includes(rule.index));
  });

  async function whole(
    ask: (
      offset: number,
    ) => Promise<
      | { readonly decision: 'allow'; readonly totalBytes: number; readonly part: string }
      | { readonly decision: 'deny' }
    >,
  ): Promise<Buffer> {
    let bytes = Buffer.alloc(0);
    for (;;) {
      const answer = await ask(bytes.length);
      assert.ok(answer.decision === 'allow' && answer.part !== '');
      bytes = Buffer.concat([bytes, base64Decode(answer.part)]);
      if (bytes.length === answer.totalBytes) return bytes;
    }
  }
});
