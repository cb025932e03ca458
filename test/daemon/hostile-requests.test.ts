/** Valid requests that are made to hurt: the daemon answers each, and serves everybody else afterwards. */

import assert from 'node:assert/strict';
import { appendFile, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect, type WritClient } from '../../src/client/client.js';
import { WritRpcError } from '../../src/client/errors.js';
import { decodeStatement } from '../../src/format/statement.js';
import type { JsonValue } from '../../src/format/strict-json.js';
import { allowed, codesOf, echo, freshNonce } from './requests.js';
import { type RunningDaemon, removeState, startDaemon } from './running-daemon.js';

/** One control character: six bytes in JSON. */
const control = '\u0001';

/** The starter policy with every tool permitted, and with more text than an answer holds. */
async function writePolicies(directory: string): Promise<void> {
  await cp(fileURLToPath(new URL('../../../policies', import.meta.url)), directory, { recursive: true });
  const permit = '@id("any-tool")\npermit (principal, action == Writ::Action::"call", resource);\n';
  await appendFile(join(directory, 'starter.cedar'), `\n${permit}\n// ${'x'.repeat(70_000)}\n`);
}

describe('a daemon under hostile requests', () => {
  let daemon: RunningDaemon;
  let writ: WritClient;
  let scratch: string;

  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'writ-hostile-'));
    await writePolicies(join(scratch, 'policies'));
    daemon = await startDaemon({ flags: ['--policy', join(scratch, 'policies')] });
    writ = await connect({ socketPath: daemon.socketPath });
  });
  after(async () => {
    await writ.close();
    assert.equal(await daemon.stop(), 0);
    await removeState(daemon.stateDirectory);
    await rm(scratch, { recursive: true });
  });

  /** Whatever was sealed must be readable for good. */
  async function assertReadable(index: number): Promise<void> {
    const { payload } = allowed(await writ.entry({ index }));
    assert.ok(payload !== null);
    decodeStatement(new Uint8Array(Buffer.from(payload, 'base64')));
  }

  test('the evidence of a refusal can be read, however long the path that was asked for', async () => {
    const executable = `/${control.repeat(255)}`;
    const answer = await writ.authorize({ action: { ...echo('x'), executable } });
    assert.deepEqual(codesOf(answer), ['SCOPE_MISMATCH']);
    assert.ok(answer.decision === 'deny' && answer.evidence !== null);
    await assertReadable(answer.evidence.index);
    allowed(await writ.export({ id: answer.evidence.id }));
  });

  test('the evidence of a refused link can be read, however long the name of what it points to', async () => {
    const directory = join(scratch, ...Array.from({ length: 10 }, () => control.repeat(250)));
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, 'program'), '', { mode: 0o755 });
    await symlink(join(directory, 'program'), join(directory, 'link'));
    const answer = await writ.authorize({ action: { ...echo('x'), executable: join(directory, 'link') } });
    assert.deepEqual(codesOf(answer), ['SCOPE_MISMATCH']);
    assert.ok(answer.decision === 'deny' && answer.evidence !== null);
    await assertReadable(answer.evidence.index);
  });

  test('a tool call nested as deeply as a request may be is sealed only if it can be read again', async () => {
    const call = (depth: number) => {
      let value: JsonValue = 'deep';
      for (let level = 0; level < depth; level++) value = [value];
      return { type: 'tool', tool: 'any', arguments: { value } } as const;
    };
    for (const depth of [26, 27, 28]) {
      const answer = await writ.authorize({ action: call(depth) }).catch((error: unknown) => {
        assert.ok(error instanceof WritRpcError);
        assert.match(error.message, /action\.arguments: must be nested at most 28 deep/);
        return null;
      });
      if (answer === null) continue;
      const { index, id } = allowed(answer);
      await assertReadable(index);
      allowed(await writ.redeem({ id, nonce: freshNonce(), action: call(depth) }));
    }
  });

  test('a lineage whose names are long is cut to an answer', async () => {
    const name = control.repeat(200);
    const root = allowed(await writ.authorize({ action: { ...echo('root'), argv: [name] } }));
    const children = Array.from({ length: 120 }, () =>
      writ.authorize({ action: { ...echo('child'), argv: [name] }, parent: root.id }),
    );
    for (const child of await Promise.all(children)) allowed(child);
    const { nodes } = allowed(await writ.lineage({ id: root.id }));
    assert.equal(nodes[0]?.id, root.id);
    assert.ok(nodes.length > 20 && nodes.length < 120, `${nodes.length} nodes`);
  });

  test('an answer that no line holds is TOO_LARGE, and only that', async () => {
    await assert.rejects(writ.policy(), (error: unknown) => {
      assert.ok(error instanceof WritRpcError);
      assert.match(error.message, /the answer is longer than 65536 bytes/);
      return true;
    });
    assert.equal((await writ.status()).state, 'ready');
  });
});
