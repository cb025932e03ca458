/** A restart from any snapshot and the entries behind it knows the same as one that follows every entry. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { ArtifactId } from '../../src/format/artifact-id.js';
import { recordKind } from '../../src/format/record.js';
import { redeemerNonceDigest } from '../../src/format/redeemer-nonce.js';
import type { RevocationRule } from '../../src/format/revocation.js';
import { positionStride, spanEntries } from '../../src/log/journal-positions.js';
import { ViewStore } from '../../src/state/view-store.js';
import { LogViews, type ViewedEntry } from '../../src/state/views.js';
import { temporaryDirectory } from '../log/software-log.js';

const head = { time: '2026-01-01T00:00:00.000Z', log: 'l', nonce: 'AAAAAAAAAAAAAAAAAAAAAA==' } as const;
const unsigned = { authority: null, statement: null, by: null } as const;
const size = 2 * spanEntries + 500;
const anchors = new Uint32Array(spanEntries / positionStride);

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
before(async () => {
  directory = await temporaryDirectory();
});
after(() => directory.remove());

function idOf(index: number): ArtifactId {
  return `sha3-512:${createHash('sha512').update(String(index)).digest('hex')}`;
}

const ids = Array.from({ length: size }, (_, index) => idOf(index));

const rules: readonly RevocationRule[] = [
  { kind: 'initiator', uid: 1000, executable: null },
  { kind: 'initiator', uid: 1000, executable: 'a'.repeat(128) },
  { kind: 'bundle', digest: 'b'.repeat(128) },
  { kind: 'key', key: `${'A'.repeat(43)}=` },
];

function ascending(one: number, other: number): number {
  return one - other;
}

/** What stands at a place of the log besides plain entries. */
interface Event {
  readonly at: number;
  readonly record: NonNullable<ViewedEntry['record']>;
}

const place = fc.nat(size - 1);
const event: fc.Arbitrary<Event> = fc.oneof(
  fc.tuple(place, place).map(([at, artifactIndex]): Event => {
    const redeemer = { uid: 1, gid: 1 };
    const artifact = {
      artifact: idOf(artifactIndex),
      artifactIndex,
      redeemerNonceDigest: redeemerNonceDigest(head.nonce),
      redeemer,
    };
    return { at, record: { ...head, type: 'urn:writ:redemption:v1', ...artifact } };
  }),
  fc.tuple(place, place, fc.constantFrom('withdrawn', 'unsealed')).map(([at, index, cause]): Event => {
    const target = { kind: 'artifact', id: idOf(index), index } as const;
    return { at, record: { ...head, type: 'urn:writ:revocation:v1', target, cause, by: null } };
  }),
  fc.tuple(place, fc.constantFrom(...rules)).map(([at, target]): Event => {
    return { at, record: { ...head, type: 'urn:writ:revocation:v1', target, cause: 'withdrawn', by: 0 } };
  }),
  fc.tuple(place, fc.constantFrom('log', 'artifact'), fc.nat(9)).map(([at, role, digit]): Event => {
    const key = { event: 'use', role, publicKey: `${String(digit).repeat(43)}=` } as const;
    return { at, record: { ...head, type: 'urn:writ:key:v1', ...key } };
  }),
  fc.tuple(place, place).map(([at, redemptionIndex]): Event => {
    const artifact = { artifact: idOf(1), artifactIndex: 1, redemption: idOf(2), redemptionIndex };
    const rest = { lease: null, leaseIndex: null, until: head.time, descend: 'enforced' } as const;
    const seen = { deadline: { boot: 'b', bootTimeMs: 1 }, process: { pid: 1, startTime: 1 } };
    const confinement = { kind: 'best-effort', cgroup: null } as const;
    const record = { ...head, ...artifact, ...rest, ...seen, confinement } as const;
    return { at, record: { ...record, type: 'urn:writ:lease:v1', event: 'open' } };
  }),
  fc.tuple(place, place).map(([at, leaseIndex]): Event => {
    const run = { lease: idOf(leaseIndex), leaseIndex, artifact: idOf(1), artifactIndex: 1 };
    return { at, record: { ...head, type: 'urn:writ:end:v1', ...run, cause: 'exited', status: { exit: 0 } } };
  }),
  fc.tuple(place, place).map(([at, artifactIndex]): Event => {
    const used = { pending: head.nonce, artifact: idOf(artifactIndex), uid: 1 };
    return { at, record: { ...head, type: 'urn:writ:pending:v1', event: 'use', ...used } };
  }),
  fc.tuple(place, fc.nat(9)).map(([at, digit]): Event => {
    const policy = { bundle: String(digit).repeat(128), version: 1, engine: 'e', ...unsigned };
    return { at, record: { ...head, type: 'urn:writ:policy:v1', ...policy } };
  }),
  fc.tuple(place, fc.nat(9)).map(([at, digit]): Event => {
    const signatures = [{ keyid: `${String(digit).repeat(43)}=`, sig: `${'A'.repeat(86)}==` }];
    const statement = { payload: 'e30=', payloadType: 'application/vnd.writ.policy+json', signatures };
    return { at, record: { ...head, type: 'urn:writ:authority:v1', statement } };
  }),
  fc
    .tuple(place, fc.constantFrom('a', 'b'), fc.constantFrom('trusted', 'untrusted'))
    .map(([at, boot, clock]): Event => {
      const start = { daemon: 'd', version: '1', boot, bootTimeMs: at, clock, continuity: 'proven' } as const;
      return { at, record: { ...head, type: 'urn:writ:start:v1', ...start } };
    }),
);

/** An artifact is redeemed once at most and behind its own place, and ends are behind their lease: the daemon sees to that. */
function plausible(events: readonly Event[]): Map<number, Event['record']> {
  const records = new Map<number, Event['record']>();
  const redeemed = new Set<number>();
  for (const { at, record } of events) {
    if (records.has(at)) continue;
    if (record.type === 'urn:writ:redemption:v1') {
      if (record.artifactIndex >= at || redeemed.has(record.artifactIndex)) continue;
      redeemed.add(record.artifactIndex);
    }
    if (record.type === 'urn:writ:end:v1' && record.leaseIndex >= at) continue;
    records.set(at, record);
  }
  return records;
}

function apply(
  views: LogViews,
  from: number,
  to: number,
  records: ReadonlyMap<number, Event['record']>,
): void {
  for (let index = from; index < to; index++) {
    const record = records.get(index) ?? null;
    const kind = record === null ? 'denial' : recordKind(record);
    views.apply({ index, id: ids[index] ?? assert.fail(), kind, record });
  }
}

async function known(views: LogViews, records: ReadonlyMap<number, Event['record']>): Promise<unknown> {
  const places = [...records].flatMap(([at, record]) => {
    if (record.type === 'urn:writ:redemption:v1') return [at, record.artifactIndex];
    if (record.type === 'urn:writ:lease:v1') return [at, record.redemptionIndex];
    return record.type === 'urn:writ:revocation:v1' && record.target.kind === 'artifact'
      ? [at, record.target.index]
      : [at];
  });
  const states = await Promise.all(
    places.map(async (index) => [
      index,
      await views.redemptionOf(index),
      views.isRedeemed(index),
      views.isRevoked(index),
      views.isUnsealed(index),
      views.runs.isSpent(index),
      views.recentCandidates(ids[index] ?? assert.fail()),
    ]),
  );
  const { policy, authorityStatements, bootAnchor } = views.stated;
  const keys = [views.stated.loggedKey('log'), views.stated.loggedKey('artifact')];
  const { rules, compromised } = views.revocations;
  const revoked = [...views.revocations.entriesNewestFirst()];
  const spans = new Set([...records.keys()].map((at) => Math.floor(at / spanEntries)));
  const revoking = await Promise.all([...spans].map((span) => views.revocationsIn(span)));
  const expected = [...records].filter(([, { type }]) => type === 'urn:writ:revocation:v1').map(([at]) => at);
  assert.deepEqual(revoking.flat().sort(ascending), expected.sort(ascending));
  return {
    states,
    open: views.runs.openLeases,
    policy,
    authorityStatements,
    bootAnchor,
    keys,
    rules,
    compromised,
    revoked,
    approvals: views.takeApprovals(),
  };
}

test('what a snapshot and its tail say is what the whole log says', { timeout: 300_000 }, async () => {
  let runs = 0;
  const property = fc.asyncProperty(
    fc.array(event, { minLength: 20, maxLength: 300, size: 'max' }),
    fc.constantFrom(1, 2),
    async (events, spans) => {
      const records = plausible(events);
      const whole = new LogViews();
      apply(whole, 0, size, records);

      const path = join(directory.path, String(runs++));
      const writing = await ViewStore.open(path);
      for (let number = 0; number < spans; number++)
        await writing.append(whole.completeSpan(number) ?? assert.fail(), anchors, `${'A'.repeat(43)}=`);
      const reading = await ViewStore.open(path);
      const restarted = new LogViews(reading);
      for (const [number, stored] of writing.spans.entries()) {
        restarted.restore(await reading.load(stored), stored.facts);
        restarted.restoreTags(number, await reading.loadTags(number));
      }
      apply(restarted, spans * spanEntries, size, records);
      assert.deepEqual(await known(restarted, records), await known(whole, records));
      await writing.close();
      await reading.close();
    },
  );
  await fc.assert(property, { numRuns: 12 });
});
