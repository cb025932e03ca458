import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import type { ArtifactId } from '../../src/format/artifact-id.js';
import { redeemerNonceDigest } from '../../src/format/redeemer-nonce.js';
import { IdIndex, rangeEntries, tagOf } from '../../src/state/id-index.js';
import { LogViews } from '../../src/state/views.js';

function randomId(): ArtifactId {
  return `sha3-512:${randomBytes(64).toString('hex')}`;
}

const name = `000b${'0'.repeat(64)}`;
const head = { time: '2026-01-01T00:00:00.000Z', log: 'l', nonce: 'AAAAAAAAAAAAAAAAAAAAAA==' };

describe('the id index', () => {
  test('finds every id among thousands, and no other', () => {
    const index = new IdIndex();
    const ids = Array.from({ length: 5000 }, randomId);
    for (const [position, id] of ids.entries()) index.add(tagOf(id), position);
    for (const [position, id] of ids.entries()) assert.ok(index.recent(id).includes(position));
    assert.deepEqual(index.recent(randomId()), []);
  });

  test('gives every entry whose id begins alike, for the caller to tell apart', () => {
    const index = new IdIndex();
    const first: ArtifactId = `sha3-512:${'ab'.repeat(64)}`;
    const second: ArtifactId = `sha3-512:${'ab'.repeat(63)}cd`;
    index.add(tagOf(first), rangeEntries + 7);
    index.add(tagOf(second), 9);
    assert.deepEqual(index.recent(first), [9, rangeEntries + 7]);
  });
});

describe('the views of the log', () => {
  test('a redemption is found by the index of its artifact, however far back', async () => {
    const views = new LogViews();
    views.apply({ index: 0, id: randomId(), kind: 'authorization', record: null });
    const redemption = {
      type: 'urn:writ:redemption:v1',
      ...head,
      artifact: randomId(),
      artifactIndex: 100_000,
      redeemerNonceDigest: redeemerNonceDigest(head.nonce),
      redeemer: { uid: 1, gid: 1 },
    } as const;
    views.apply({ index: 100_001, id: randomId(), kind: 'redemption', record: redemption });
    assert.equal(await views.redemptionOf(100_000), 100_001);
    assert.equal(await views.redemptionOf(0), null);
    assert.deepEqual([views.isRedeemed(100_000), views.isRedeemed(5_000_000)], [true, false]);
  });

  test('a revocation counts at once, and an unsealed grant is known as one', () => {
    const views = new LogViews();
    views.revocations.revokeAtOnce({ kind: 'artifact', id: randomId(), index: 3 });
    assert.equal(views.isRevoked(3), true);
    assert.equal(views.isUnsealed(3), false);
    const record = {
      type: 'urn:writ:revocation:v1',
      ...head,
      target: { kind: 'artifact', id: randomId(), index: 4 },
      cause: 'unsealed',
      by: null,
    } as const;
    views.apply({ index: 5, id: randomId(), kind: 'revocation', record });
    assert.deepEqual([views.isRevoked(4), views.isUnsealed(4), views.isRevoked(5)], [true, true, false]);
  });

  test('grants of an earlier run are void once a start or a recovery could not prove that nothing was lost', () => {
    const views = new LogViews();
    const start = (index: number, continuity: 'proven' | 'unproven') => {
      const facts = { daemon: 'd', version: '1', boot: 'a', bootTimeMs: 1, clock: 'trusted' } as const;
      const record = { ...head, ...facts, type: 'urn:writ:start:v1', continuity } as const;
      views.apply({ index, id: randomId(), kind: 'start', record });
    };
    start(3, 'proven');
    assert.equal(views.stated.isVoid(2), false);
    start(5, 'unproven');
    assert.deepEqual(
      [views.stated.isVoid(4), views.stated.isVoid(5), views.stated.isVoid(6)],
      [true, false, false],
    );
    start(7, 'proven');
    assert.deepEqual([views.stated.isVoid(4), views.stated.isVoid(6)], [true, false]);
    const announced = { key: name, counter: name, value: 3 };
    const recovery = { type: 'urn:writ:recovery:v1', ...head, announced, by: 0, reason: 'r' } as const;
    views.apply({ index: 9, id: randomId(), kind: 'recovery', record: { ...recovery, found: null } });
    assert.deepEqual(
      [views.stated.isVoid(8), views.stated.isVoid(9), views.stated.anchor],
      [true, false, null],
    );
  });

  test('the newest announcement of the counter counts', () => {
    const views = new LogViews();
    const anchor = {
      type: 'urn:writ:anchor:v1',
      ...head,
      key: name,
      counter: name,
      cause: 'start',
    } as const;
    assert.equal(views.stated.anchor, null);
    for (const value of [4, 5]) {
      views.apply({ index: value, id: randomId(), kind: 'anchor', record: { ...anchor, value } });
    }
    assert.deepEqual(views.stated.anchor, { key: name, counter: name, value: 5, index: 5, isLast: false });
    const last = { ...anchor, cause: 'stop', value: 6 } as const;
    views.apply({ index: 6, id: randomId(), kind: 'anchor', record: last });
    assert.deepEqual(views.stated.anchor, { key: name, counter: name, value: 6, index: 6, isLast: true });
    // Behind the newest seal anybody who can write files could have put what they like.
    assert.deepEqual(
      [4, 5, 6].map((size) => views.stated.anchorWithin(size)?.value ?? null),
      [null, 4, 5],
    );
  });

  test('the clock is measured against the first trusted start of the newest boot', () => {
    const views = new LogViews();
    const start = (index: number, boot: string, clock: 'trusted' | 'untrusted') => {
      const record = {
        type: 'urn:writ:start:v1',
        ...head,
        daemon: 'd',
        version: '1',
        boot,
        bootTimeMs: index,
        clock,
        continuity: 'unproven',
      } as const;
      views.apply({ index, id: randomId(), kind: 'start', record });
      return views.stated.bootAnchor?.bootTimeMs;
    };
    assert.deepEqual(
      [
        start(0, 'a', 'untrusted'),
        start(1, 'a', 'trusted'),
        start(2, 'a', 'trusted'),
        start(3, 'b', 'untrusted'),
        start(4, 'b', 'trusted'),
      ],
      [undefined, 1, 1, 1, 4],
    );
  });
});
