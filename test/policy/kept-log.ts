// A log that a real daemon wrote, and copies of it in which somebody changed what an entry says.

import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../../src/client/client.js';
import { type EntryKind, encodeEntry, entryOf } from '../../src/format/entry.js';
import { jcsText } from '../../src/format/jcs.js';
import { type EntryFrame, encodeFrame } from '../../src/log/journal-frame.js';
import { readJournal } from '../../src/log/journal-reader.js';
import { BundleStore } from '../../src/policy/bundle-store.js';
import { pastEntries } from '../../src/policy/past-decisions.js';
import { type FindBundle, Replay, type ReplayCounts, type ReplayFinding } from '../../src/policy/replay.js';
import { allowed, destroy, echo, freshNonce } from '../daemon/requests.js';
import { startDaemon } from '../daemon/running-daemon.js';

/** Runs a daemon and asks it for some of everything; returns its state directory when it has stopped. */
export async function decideSomething(): Promise<string> {
  const daemon = await startDaemon();
  const client = await connect({ socketPath: daemon.socketPath });
  const { id } = allowed(await client.authorize({ action: echo('one') }));
  for (const text of ['one', 'two', 'two']) await client.authorize({ action: echo(text) });
  for (let count = 0; count < 3; count++) await client.authorize({ action: destroy });
  const redeem = { id, action: echo('one') };
  allowed(await client.redeem({ ...redeem, nonce: freshNonce() }));
  // Denied though the policy permits it: it was redeemed before.
  await client.redeem({ ...redeem, nonce: freshNonce() });
  // Denied before any policy was asked.
  await client.revoke({ id: `sha3-512:${'0'.repeat(128)}` });
  allowed(await client.revoke({ id }));
  await client.close();
  await daemon.stop();
  return daemon.stateDirectory;
}

export interface ReadFrame {
  readonly frame: EntryFrame;
  readonly index: number;
  readonly kind: EntryKind;
}

/** The entries of the log in a state directory. */
export async function framesOf(stateDirectory: string): Promise<ReadFrame[]> {
  const frames: ReadFrame[] = [];
  for await (const item of readJournal(join(stateDirectory, 'journal'))) {
    if (item.item === 'rest' || item.frame.frame !== 'entry') continue;
    const kind = /^writ\.entry\/v1 ([a-z]+)\n/.exec(Buffer.from(item.frame.leaf).toString())?.[1];
    frames.push({ frame: item.frame, index: frames.length, kind: kind as EntryKind });
  }
  return frames;
}

/** The payload as a document with a part replaced, under a leaf that digests it: as if the daemon had written that. */
export function rewritten({ frame, kind }: ReadFrame, change: (document: never) => unknown): EntryFrame {
  const document = JSON.parse(Buffer.from(frame.payload).toString()) as never;
  const payload = Buffer.from(jcsText(change(document) as never));
  return { ...frame, payload, leaf: encodeEntry(entryOf(kind, frame.payloadType, payload)) };
}

/** Runs a test on a copy of the state in which entries are as `change` says. */
export async function withChangedLog<Result>(
  stateDirectory: string,
  change: (read: ReadFrame) => EntryFrame,
  test: (stateDirectory: string) => Promise<Result>,
): Promise<Result> {
  const copy = await mkdtemp(join(tmpdir(), 'writ-past-'));
  try {
    await cp(stateDirectory, copy, { recursive: true, filter: (path) => !path.endsWith('.sock') });
    const frames = (await framesOf(copy)).map((read) => encodeFrame(change(read)));
    const journal = join(copy, 'journal');
    const [segment = ''] = await readdir(journal);
    await writeFile(join(journal, segment), Buffer.concat(frames));
    return await test(copy);
  } finally {
    await rm(copy, { recursive: true });
  }
}

export interface Replayed {
  readonly counts: ReplayCounts;
  readonly findings: readonly ReplayFinding[];
}

/** Decides a history again; bundles are those that the state directory keeps, unless `find` finds others. */
export async function replayed(stateDirectory: string, find?: FindBundle): Promise<Replayed> {
  const store = new BundleStore(join(stateDirectory, 'policies'));
  const findings: ReplayFinding[] = [];
  const replay = new Replay(find ?? ((digest) => store.find(digest)), (finding) => findings.push(finding));
  for await (const entry of pastEntries(join(stateDirectory, 'journal'))) await replay.take(entry);
  return { counts: replay.counts, findings };
}
