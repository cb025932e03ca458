// Replay comes to the same decisions as the daemon, and notices whatever was changed in what was decided.

import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect } from '../../src/client/client.js';
import { activateDocument } from '../../src/client/policy-upload.js';
import { LogDamageError } from '../../src/log/damage.js';
import type { EntryFrame } from '../../src/log/journal-frame.js';
import { digestOf, forbidding, unsignedBundle } from '../daemon/governance/bundles.js';
import { allowed, codesOf, echo } from '../daemon/requests.js';
import { removeState, startDaemon } from '../daemon/running-daemon.js';
import {
  decideSomething,
  framesOf,
  type ReadFrame,
  type Replayed,
  replayed,
  rewritten,
  withChangedLog,
} from './kept-log.js';

interface Said {
  readonly predicate: { readonly policy: Record<string, unknown> };
}

const withPolicy =
  (changed: Record<string, unknown>) =>
  (document: Said): unknown => ({
    ...document,
    predicate: { ...document.predicate, policy: { ...document.predicate.policy, ...changed } },
  });

describe('replay', { timeout: 120_000 }, () => {
  let state: string;
  before(async () => {
    state = await decideSomething();
  });
  after(() => removeState(state));

  /** What replay finds after the first entry of a kind was changed. */
  const afterChange = (
    kind: ReadFrame['kind'],
    change: (read: ReadFrame) => EntryFrame,
  ): Promise<Replayed> => {
    let done = false;
    return withChangedLog(
      state,
      (read) => {
        if (done || read.kind !== kind) return read.frame;
        done = true;
        return change(read);
      },
      replayed,
    );
  };
  const problemsOf = ({ findings }: Replayed) =>
    findings.map(({ outcome, problem }) => `${outcome}: ${problem}`);

  it('reproduces every decision of a log: grants, denials, redemptions and revocations', async () => {
    const { counts, findings } = await replayed(state);
    assert.deepEqual(findings, []);
    const { entries, reproduced, differing, unchecked, undecided, erased } = counts;
    assert.equal(entries, (await framesOf(state)).length);
    // 4 grants, 3 denials, a redemption, its denied repetition, a revocation; one denial before any policy was asked.
    assert.deepEqual([reproduced, differing, unchecked, undecided, erased], [10, 0, 0, 1, 0]);
    assert.deepEqual(Object.values(counts.bundles), [10]);
    assert.match(Object.keys(counts.engines).join(), /^cedar-\d/);
  });

  it('finds a decision that was turned around', async () => {
    const found = await afterChange('denial', (read) =>
      rewritten(read, withPolicy({ decision: 'allow', determining: ['owners-redeem'] })),
    );
    assert.deepEqual(found.counts.differing, 1);
    assert.match(
      problemsOf(found).join(),
      /^differs: it says allow by "owners-redeem"; decided again: deny by "nobody-destroys-data"/,
    );
    assert.equal(found.findings[0]?.kind, 'denial');
  });

  it('finds a decision that names other policies', async () => {
    const found = await afterChange('authorization', (read) =>
      rewritten(read, withPolicy({ determining: ['x'] })),
    );
    assert.match(problemsOf(found).join(), /^differs: it names "x"; decided again: allow by "anyone-runs/);
  });

  it('finds an input that was changed, beside the entry or in it', async () => {
    const beside = await afterChange('authorization', ({ frame }) => ({
      ...frame,
      attachment: Buffer.from(Buffer.from(frame.attachment).toString().replace('"echo"', '"true"')),
    }));
    const inside = await afterChange('authorization', (read) =>
      rewritten(read, withPolicy({ input: 'a'.repeat(128) })),
    );
    const noJson = await afterChange('authorization', ({ frame }) => ({
      ...frame,
      attachment: Buffer.from('{'),
    }));
    const spaced = await afterChange('authorization', ({ frame }) => ({
      ...frame,
      attachment: Buffer.concat([Buffer.from(' '), frame.attachment]),
    }));
    for (const found of [beside, inside, spaced])
      assert.deepEqual(problemsOf(found), [
        'differs: what is kept as its input is not what it was decided on',
      ]);
    assert.deepEqual(problemsOf(noJson), ['differs: what it was decided on is no policy input']);
  });

  it('finds what a redemption was decided on', async () => {
    const found = await afterChange('redemption', ({ frame }) => ({
      ...frame,
      attachment: Buffer.from(
        Buffer.from(frame.attachment).toString().replace('"bind":"uid"', '"bind":"key"'),
      ),
    }));
    assert.deepEqual(problemsOf(found), ['differs: what is kept as its input is not what it was decided on']);
  });

  it('finds a bundle that was not in force', async () => {
    const found = await afterChange('authorization', (read) =>
      rewritten(read, withPolicy({ bundle: 'b'.repeat(128) })),
    );
    assert.deepEqual(problemsOf(found), [
      'differs: it names the bundle bbbbbbbbbbbbbbbb…, which was not in force before it',
    ]);
  });

  it('does not call reproduced what it could not check', async () => {
    const withoutInput = await afterChange('authorization', ({ frame }) => ({
      ...frame,
      attachment: Buffer.alloc(0),
    }));
    assert.deepEqual(problemsOf(withoutInput), ['unchecked: what it was decided on is not kept']);
    const { counts, findings } = await replayed(state, () => Promise.resolve(null));
    assert.deepEqual([counts.reproduced, counts.unchecked], [0, 10]);
    assert.match(findings[0]?.problem ?? '', /^its bundle [0-9a-f]{16}… is not kept$/);
    const erased = await afterChange('authorization', ({ frame }) => ({
      ...frame,
      payload: Buffer.alloc(0),
    }));
    assert.deepEqual([erased.counts.erased, erased.findings.length], [1, 0]);
  });

  it('stops at a payload that its entry does not digest', async () => {
    await assert.rejects(
      afterChange('denial', (read) => ({
        ...rewritten(read, withPolicy({ decision: 'allow' })),
        leaf: read.frame.leaf,
      })),
      (cause: unknown) =>
        cause instanceof LogDamageError && /is not the one that the log sealed/.test(cause.message),
    );
  });

  it('reads the log of a daemon that runs, whose last write may be unfinished', async () => {
    const whole = await replayed(state);
    const { appendFile, readdir } = await import('node:fs/promises');
    await withChangedLog(
      state,
      ({ frame }) => frame,
      async (copy) => {
        const [segment = ''] = await readdir(join(copy, 'journal'));
        await appendFile(join(copy, 'journal', segment), Buffer.from([0, 0, 1]));
        assert.deepEqual((await replayed(copy)).counts, whole.counts);
        await rm(join(copy, 'policies'), { recursive: true });
        assert.equal((await replayed(copy)).counts.reproduced, 0);
      },
    );
  });
});

describe('replay over the activation of another bundle', { timeout: 120_000 }, () => {
  const isRoot = process.getuid?.() === 0;
  it('decides each under the bundle that was in force, the activation under the one before it', {
    skip: isRoot ? false : 'the starter policy lets operators activate, which root is',
  }, async () => {
    const daemon = await startDaemon();
    try {
      const client = await connect({ socketPath: daemon.socketPath });
      allowed(await client.authorize({ action: echo('x') }));
      const document = unsignedBundle({ version: 1000, policies: forbidding('no-echo', '/usr/bin/echo') });
      allowed(await activateDocument(client, document));
      assert.deepEqual(codesOf(await client.authorize({ action: echo('x') })), ['POLICY_DENIED']);
      await client.close();
      const { counts, findings } = await replayed(daemon.stateDirectory);
      assert.deepEqual(findings, []);
      assert.deepEqual(Object.values(counts.bundles), [2, 1]);
      assert.equal(Object.keys(counts.bundles)[1], digestOf(document));
    } finally {
      await daemon.stop();
      await removeState(daemon.stateDirectory);
    }
  });
});
