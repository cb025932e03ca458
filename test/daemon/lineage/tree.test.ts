/** Trees of authorizations in a real daemon: what children inherit, how they are refused, and how they die with their parent. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connect, type WritClient } from '../../../src/client/client.js';
import { envelopePayload } from '../../../src/format/dsse.js';
import type { GrantPredicate } from '../../../src/format/predicate.js';
import type { Allowed, AuthorizeParams } from '../../../src/format/protocol.js';
import { decodeStatement } from '../../../src/format/statement.js';
import { allowed, codesOf, echo, freshNonce, trustOf } from '../requests.js';
import { type RunningDaemon, removeState, startDaemon } from '../running-daemon.js';

function predicateOf({ artifact }: Allowed): GrantPredicate {
  const statement = decodeStatement(envelopePayload(artifact));
  assert.ok(statement.predicateType !== 'urn:writ:denial:v1');
  return statement.predicate;
}

describe('named lineage', () => {
  let daemon: RunningDaemon;
  let writ: WritClient;
  before(async () => {
    daemon = await startDaemon();
    writ = await connect({ socketPath: daemon.socketPath, trust: await trustOf(daemon.stateDirectory) });
  });
  after(async () => {
    await writ.close();
    assert.equal(await daemon.stop(), 0);
    await removeState(daemon.stateDirectory);
  });

  const ask = (text: string, options: Partial<AuthorizeParams> = {}) =>
    writ.authorize({ action: echo(text), ...options });
  const issue = async (text: string, options: Partial<AuthorizeParams> = {}) =>
    allowed(await ask(text, options));

  test('what a child does not ask for, it has as its parent does', async () => {
    const parent = await issue('one', {
      audience: 'gateway',
      descend: { listed: ['/usr/bin/echo'] },
      limits: { processes: 5, memoryBytes: 1 << 30 },
      ttlSeconds: 60,
    });
    const child = predicateOf(
      await issue('two', { parent: parent.id, limits: { processes: 3 }, ttlSeconds: 3600 }),
    );
    const above = predicateOf(parent);
    assert.deepEqual(child.lineage, { parent: parent.id, root: parent.id, depth: 1, basis: 'named' });
    assert.equal(child.scope.audience, 'gateway');
    assert.deepEqual(child.scope.descend, above.scope.descend);
    const { limits } = child.scope.execution ?? assert.fail('it executes something');
    assert.deepEqual([limits.processes, limits.memoryBytes, limits.openFiles], [3, 1 << 30, null]);
    assert.equal(child.validity.notAfter, above.validity.notAfter);
  });

  test('whatever is wider is LINEAGE_BROKEN, and says in what', async () => {
    const parent = await issue('three', {
      audience: 'gateway',
      descend: { listed: ['/usr/bin/true', '/usr/bin/echo'] },
      limits: { processes: 5 },
    });
    const cases: readonly [Partial<AuthorizeParams>, RegExp][] = [
      [{ audience: 'elsewhere' }, /wider audience/],
      [{ descend: 'any' }, /may start more/],
      [{ descend: { listed: ['/usr/bin/cat'] } }, /may start more/],
      [{ limits: { processes: 6 } }, /higher limits than its parent: processes/],
      [{ confine: 'best-effort' }, /confined more weakly/],
      [
        { action: { ...echo('x'), executable: '/usr/bin/cat', argv: ['cat'] } },
        /no listed file has its digests/,
      ],
    ];
    for (const [options, reason] of cases) {
      const answer = await ask('four', { ...options, parent: parent.id });
      assert.deepEqual(codesOf(answer), ['LINEAGE_BROKEN'], JSON.stringify(options));
      assert.match(answer.decision === 'deny' ? answer.denials[0].message : '', reason);
    }
    await issue('four', {
      parent: parent.id,
      descend: { listed: ['/usr/bin/true'] },
      limits: { processes: 5 },
    });
  });

  test('a run may not last longer than what it stands under, and is cut to that', async () => {
    const parent = await issue('five', { use: 'lease', runSeconds: 100 });
    const child = predicateOf(await issue('six', { parent: parent.id, use: 'lease', runSeconds: 5000 }));
    const above = predicateOf(parent);
    assert.ok(child.validity.use === 'lease' && above.validity.use === 'lease');
    assert.equal(child.validity.until, above.validity.until);
  });

  test('deeper than the bundle allows is LINEAGE_BROKEN', async () => {
    let parent = await issue('root');
    for (let depth = 1; depth <= 8; depth++) parent = await issue(`depth ${depth}`, { parent: parent.id });
    assert.deepEqual(codesOf(await ask('depth 9', { parent: parent.id })), ['LINEAGE_BROKEN']);
  });

  test('revoking a node revokes all below it, and the tree says by what and by whom', async () => {
    const root = await issue('seven');
    const node = await issue('eight', { parent: root.id });
    const leaf = await issue('nine', { parent: node.id });
    const sibling = await issue('ten', { parent: root.id });
    allowed(await writ.revoke({ id: node.id, cause: 'compromised' }));
    const redeem = (id: Allowed['id'], text: string) =>
      writ.redeem({ id, nonce: freshNonce(), action: echo(text) });
    assert.ok(codesOf(await redeem(leaf.id, 'nine')).includes('REVOKED'));
    assert.ok(codesOf(await ask('eleven', { parent: leaf.id })).includes('REVOKED'));
    allowed(await redeem(sibling.id, 'ten'));
    const { nodes } = allowed(await writ.lineage({ id: leaf.id }));
    const by = process.getuid?.() ?? null;
    assert.deepEqual(
      nodes.map(({ id, basis, state, end, revocation }) => ({ id, basis, state, end, revocation })),
      [
        { id: root.id, basis: 'none', state: 'issued', end: null, revocation: null },
        {
          id: node.id,
          basis: 'named',
          state: 'revoked',
          end: null,
          revocation: { through: 'itself', rule: null, cause: 'compromised', by },
        },
        {
          id: leaf.id,
          basis: 'named',
          state: 'revoked',
          end: null,
          revocation: { through: 'parent', rule: null, cause: null, by: null },
        },
        { id: sibling.id, basis: 'named', state: 'redeemed', end: null, revocation: null },
      ],
    );
  });
});
