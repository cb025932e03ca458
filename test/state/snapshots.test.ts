/** Snapshots of the views: what a restart takes from them, and what it refuses to believe. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ArtifactId } from '../../src/format/artifact-id.js';
import { base64Encode } from '../../src/format/base64.js';
import { encodeEntry, entryOf } from '../../src/format/entry.js';
import { encodeFrame, readFrame } from '../../src/log/journal-frame.js';
import { spanEntries } from '../../src/log/journal-positions.js';
import { leafHash } from '../../src/merkle/tree.js';
import { SoftwareSigner, temporaryDirectory } from '../log/software-log.js';
import { fill, openSnapshotLog, redemption, revocation, type SnapshotLog, sealed } from './snapshot-log.js';

/** Two spans and a tail. Entry 5 was redeemed within the first span, 6 in the second, 7 behind both; 8 was revoked. */
const size = 2 * spanEntries + 3000;
const childMain = fileURLToPath(new URL('snapshot-child.js', import.meta.url));

describe('a restart with snapshots', { timeout: 180_000 }, () => {
  const signer = new SoftwareSigner();
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let ids: Map<number, ArtifactId>;
  let receipts: readonly number[];
  before(async () => {
    directory = await temporaryDirectory();
    const made = await openSnapshotLog(join(directory.path, 'made'), signer);
    const idOf = (index: number) => ids.get(index) ?? assert.fail(`entry ${index} is none of the plain ones`);
    ids = await fill(made.log, 1000);
    const first = sealed(await made.log.append(redemption(idOf(5), 5)));
    sealed(await made.log.append(revocation(idOf(8), 8)));
    for (const [index, id] of await fill(made.log, spanEntries + 1000)) ids.set(index, id);
    await settled(made, 1);
    const second = sealed(await made.log.append(redemption(idOf(6), 6)));
    for (const [index, id] of await fill(made.log, size)) ids.set(index, id);
    await settled(made, 2);
    const third = sealed(await made.log.append(redemption(idOf(7), 7)));
    receipts = [first.index, second.index, third.index];
    await made.close();
    assert.deepEqual(made.troubles, []);
  });
  after(() => directory.remove());

  let copies = 0;
  /** A copy of the state, changed; started, looked at, and stopped. */
  async function restarted(
    change: (state: string) => Promise<void>,
    look: (started: SnapshotLog) => Promise<void>,
  ): Promise<void> {
    const state = join(directory.path, `copy-${copies++}`);
    await cp(join(directory.path, 'made'), state, { recursive: true });
    await change(state);
    const started = await openSnapshotLog(state, signer);
    try {
      await assertState(started);
      await look(started);
    } finally {
      await started.close();
      await rm(state, { recursive: true });
    }
  }

  /** Whatever a restart believed, it must know all of this. */
  async function assertState({ views, log }: SnapshotLog): Promise<void> {
    const state = [5, 6, 7, 8, 9].map((index) => [views.isRedeemed(index), views.isRevoked(index)]);
    assert.deepEqual(state, [
      [true, false],
      [true, false],
      [true, false],
      [false, true],
      [false, false],
    ]);
    assert.deepEqual(await Promise.all([5, 6, 7].map((index) => views.redemptionOf(index))), receipts);
    for (const index of [0, 999, spanEntries - 1, spanEntries + 5, size - 1]) {
      const id = ids.get(index) ?? assert.fail(`entry ${index} is none of the plain ones`);
      assert.ok(views.recentCandidates(id).includes(index), `entry ${index} is not found by its id`);
      assert.equal((await log.read(index)).id, id);
      assert.notEqual(log.proof(index), null);
    }
  }

  const newest = (state: string) =>
    join(state, 'views', `manifest-${String(2 * spanEntries).padStart(16, '0')}`);
  const unchanged = () => Promise.resolve();

  test('reads only the entries behind the newest snapshot, and goes on from there', async () => {
    await restarted(unchanged, async ({ snapshotSize, troubles, log, store }) => {
      assert.equal(snapshotSize, 2 * spanEntries);
      assert.equal(store.spans.length, 2);
      const next = await fill(log, log.size + 300);
      assert.equal(next.size, 300);
      assert.deepEqual(troubles, []);
    });
  });

  test('has the same tree as one that replays everything', async () => {
    const roots: string[] = [];
    const note = async ({ recovered }: SnapshotLog) => {
      roots.push(base64Encode(recovered.tree.root(recovered.tree.size)));
    };
    await restarted(unchanged, note);
    await restarted((state) => rm(join(state, 'views'), { recursive: true }), note);
    assert.equal(new Set(roots).size, 1);
  });

  test('notices that a redemption was taken out of the files, and still knows it', async () => {
    for (const [name, offset] of [
      ['changes', 4 * 4096],
      ['changes', 40],
      ['tags', spanEntries * 4 + 7],
    ] as const) {
      const flip = (state: string) => flipByte(join(state, 'views', name), offset);
      await restarted(flip, async ({ snapshotSize, troubles }) => {
        assert.notEqual(snapshotSize, 2 * spanEntries);
        assert.match(
          troubles.join(),
          new RegExp(`passed over .* ${2 * spanEntries} .*file ${name} is not what`),
        );
      });
    }
  });

  test('believes no manifest that the log does not hold, however well it fits its files', async () => {
    const forge = async (state: string) => {
      const text = await readFile(newest(state), 'utf8');
      await writeFile(
        newest(state),
        text.replace(
          '"facts":{}',
          `"facts":{"policy":{"authority":null,"bundle":"${'0'.repeat(128)}","statement":null,"version":1}}`,
        ),
      );
    };
    await restarted(forge, async ({ snapshotSize, troubles, views }) => {
      assert.equal(snapshotSize, spanEntries);
      assert.match(troubles.join(), /the log does not confirm/);
      assert.equal(views.stated.policy, null);
    });
  });

  test('takes the snapshot before where the newest is missing or torn', async () => {
    for (const change of [(path: string) => rm(path), (path: string) => truncate(path, 500)]) {
      await restarted(
        (state) => change(newest(state)),
        async ({ snapshotSize }) => assert.equal(snapshotSize, spanEntries),
      );
    }
  });

  test('replays everything where no snapshot can be read, and makes new ones', async () => {
    const destroy = async (state: string) => {
      for (const name of await readdir(join(state, 'views'))) await truncate(join(state, 'views', name), 10);
    };
    await restarted(destroy, async (started) => {
      assert.equal(started.snapshotSize, 0);
      await settled(started, 2);
      assert.deepEqual(started.troubles, []);
    });
  });

  test('reads what the published log lacks from the journal, however new the snapshot is', async () => {
    await restarted(
      (state) => rm(join(state, 'log'), { recursive: true }),
      async ({ log }) => assert.ok(log.size > size),
    );
  });

  test('is at home in whatever a kill leaves, in the middle of a snapshot too', async () => {
    const state = join(directory.path, 'killed');
    await cp(join(directory.path, 'made'), state, { recursive: true });
    for (const delayMs of [0, 5, 20]) {
      const before = await sizeOf(join(state, 'views', 'changes'));
      const env = { ...process.env, WRIT_TEST_KEY: signer.pem };
      const child = spawn(process.execPath, [childMain, state], { env, stdio: 'inherit' });
      const exited = new Promise((resolve) => child.once('exit', resolve));
      // The next span is being written, or has just been.
      while ((await sizeOf(join(state, 'views', 'changes'))) === before && child.exitCode === null)
        await pause(2);
      await pause(delayMs);
      child.kill('SIGKILL');
      await exited;
      const started = await openSnapshotLog(state, signer);
      assert.ok(started.snapshotSize >= 2 * spanEntries);
      await assertState(started);
      await started.close();
    }
  });

  test('never gives out an entry that was changed together with the published tile', async () => {
    const victim = 700;
    await restarted(
      (state) => forgeEntry(state, victim),
      async ({ snapshotSize, log }) => {
        assert.equal(snapshotSize, 2 * spanEntries);
        const refusal = { name: 'LogDamageError', message: /tile\/0\/002 is not the one that was sealed/ };
        await assert.rejects(log.read(victim), refusal);
        await assert.rejects(log.frames(victim, victim + 1), refusal);
        assert.throws(() => log.proof(victim), refusal);
      },
    );
  });

  test('does not start when an earlier part of the journal is gone', async () => {
    const state = join(directory.path, 'gone');
    await cp(join(directory.path, 'made'), state, { recursive: true });
    await rm(join(state, 'journal', '0000000000000000.journal'));
    await assert.rejects(openSnapshotLog(state, signer), /entries are lost|damaged or missing/);
  });
});

/** Waits until this many spans are in a snapshot whose record is sealed. */
async function settled({ snapshots, store, log }: SnapshotLog, spans: number): Promise<void> {
  snapshots.notify();
  while (store.spans.length < spans) {
    if ((log.seal?.size ?? 0) < spans * spanEntries)
      throw new Error('the log is too short for that snapshot');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await snapshots.idle();
}

/** Writes another payload over an entry, with leaf and checksum to match, and its hash into the tile that it is in. */
async function forgeEntry(state: string, victim: number): Promise<void> {
  const path = join(state, 'journal', '0000000000000000.journal');
  const bytes = await readFile(path);
  let offset = 0;
  for (let index = 0; ; ) {
    const reading = readFrame(bytes, offset);
    assert.ok(reading.reading === 'frame');
    const { frame, nextOffset } = reading;
    if (frame.frame === 'entry' && index++ === victim) {
      const payload = new Uint8Array(frame.payload.length).fill(0x78);
      const leaf = encodeEntry(entryOf('denial', frame.payloadType, payload));
      const encoded = encodeFrame({ ...frame, payload, leaf });
      assert.equal(encoded.length, nextOffset - offset);
      bytes.set(encoded, offset);
      await writeFile(path, bytes);
      await writeAt(join(state, 'log', 'tile', '0', '002'), leafHash(leaf), (victim % 256) * 32);
      return;
    }
    offset = nextOffset;
  }
}

async function writeAt(path: string, bytes: Uint8Array, offset: number): Promise<void> {
  const file = await open(path, 'r+');
  await file.write(bytes, 0, bytes.length, offset);
  await file.close();
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path)).size;
}

async function flipByte(path: string, offset: number): Promise<void> {
  const file = await open(path, 'r+');
  const byte = new Uint8Array(1);
  await file.read(byte, 0, 1, offset);
  byte[0] = (byte[0] ?? 0) ^ 1;
  await file.write(byte, 0, 1, offset);
  await file.close();
}
