/** What a standing status lists when more is revoked than it holds, on a log of the test's own. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RevokedArtifacts } from '../../src/daemon/revoked-artifacts.js';
import { markOf } from '../../src/format/standing-status.js';
import { encodeStatement, statementPayloadType } from '../../src/format/statement.js';
import { formatInstant } from '../../src/format/time.js';
import { Revocations } from '../../src/state/revocations.js';
import { Span } from '../../src/state/span.js';
import { authorization } from '../verify/sealed-artifact.js';

const nowMs = Date.parse('2026-01-01T00:00:00.000Z');
const hourMs = 3_600_000;
const nonce = 'AAAAAAAAAAAAAAAAAAAAAA==';
const kind = 'authorization';
const payloadType = statementPayloadType;

function idOf(index: number): `sha3-512:${string}` {
  return `sha3-512:${index.toString(16).padStart(32, '0').padEnd(128, '0')}`;
}

describe('RevokedArtifacts', () => {
  const revocations = new Revocations();
  /** Those with an odd index expire after an hour, the others after two. */
  const log = {
    read: async (index: number) => {
      const notAfter = formatInstant(nowMs + (index % 2 === 1 ? hourMs : 2 * hourMs));
      const validity = { notBefore: formatInstant(nowMs), notAfter, use: 'single', nonce } as const;
      const payload = encodeStatement(authorization({ validity }));
      const attachment = new Uint8Array();
      return { index, id: idOf(index), kind, payloadType, payload, leaf: payload, attachment } as const;
    },
  };
  const revoke = (index: number) => revocations.revokeAtOnce({ kind: 'artifact', id: idOf(index), index });

  it('says from where on its list is complete, and lists again what fits when others have expired', async () => {
    for (let index = 0; index < 1500; index++) revoke(index);
    const artifacts = new RevokedArtifacts(log, { revocations });
    assert.ok(artifacts.isBehind);
    await artifacts.refresh();
    assert.ok(!artifacts.isBehind);
    const first = artifacts.list(nowMs);
    assert.equal(first.from, 500);
    assert.equal(first.marks.length, 1000);
    assert.ok(first.marks.includes(markOf(idOf(500))) && !first.marks.includes(markOf(idOf(499))));
    const later = artifacts.list(nowMs + hourMs);
    assert.equal(later.from, 500, 'what was left out has not expired yet');
    assert.equal(later.marks.length, 500);
    revoke(2000);
    artifacts.note(2000);
    assert.ok(artifacts.isBehind);
    await artifacts.refresh();
    assert.ok(artifacts.list(nowMs + hourMs).marks.includes(markOf(idOf(2000))));
    assert.deepEqual(artifacts.list(nowMs + 2 * hourMs), { from: 0, marks: [] });
  });

  it('lists no grant that was never sealed, of which nobody holds a proof', async () => {
    const unsealed = new Revocations();
    const head = { time: formatInstant(nowMs), log: 'l', nonce };
    const target = { kind: 'artifact', id: idOf(7), index: 7 } as const;
    unsealed.apply(
      { ...head, type: 'urn:writ:revocation:v1', target, cause: 'unsealed', by: null },
      8,
      new Span(),
    );
    const artifacts = new RevokedArtifacts(log, { revocations: unsealed });
    await artifacts.refresh();
    assert.deepEqual(artifacts.list(nowMs), { from: 0, marks: [] });
  });
});
