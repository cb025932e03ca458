import assert from 'node:assert/strict';
import { appendFile, cp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { formatVerifierKey } from '../../src/format/note.js';
import { parseTrust, type Trust } from '../../src/format/trust.js';
import { checkLog, type LogCheck } from '../../src/log/check.js';
import { encodeFrame, readFrame } from '../../src/log/journal-frame.js';
import { PublishedLog } from '../../src/log/published-log.js';
import { grantSubmission, openLog, origin, SoftwareSigner, temporaryDirectory } from './software-log.js';

/** Enough for a full tile at level 0, one at level 1 that is partial, and a partial tile at the edge. */
const entryCount = 300;

const signer = new SoftwareSigner();
let home: Awaited<ReturnType<typeof temporaryDirectory>>;
let original: string;

function trustOf(key: SoftwareSigner['key']): Trust {
  const vkey = formatVerifierKey(key);
  return parseTrust({ type: 'urn:writ:trust:v1', logs: [{ origin, vkey, retired: null }], artifactKeys: [] });
}

before(async () => {
  home = await temporaryDirectory();
  original = join(home.path, 'original');
  const { log } = await openLog(original, signer);
  await Promise.all(Array.from({ length: entryCount }, () => log.append(grantSubmission())));
  await log.close();
});
after(() => home.remove());

/** Checks a copy of the log after `change` did something to it. */
async function checkChanged(change: (directory: string) => Promise<void>): Promise<LogCheck> {
  const copy = join(home.path, 'copy');
  await cp(original, copy, { recursive: true });
  try {
    await change(copy);
    return await checkLog({ log: join(copy, 'log'), journal: join(copy, 'journal') }, trustOf(signer.key));
  } finally {
    await rm(copy, { recursive: true });
  }
}

async function flipByte(path: string, offset: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[offset] = (bytes[offset] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

async function journalFile(directory: string): Promise<string> {
  const [name = ''] = await readdir(join(directory, 'journal'));
  return join(directory, 'journal', name);
}

test('a log that nobody touched is whole, and the check says what it looked at', async () => {
  const result = await checkChanged(async () => undefined);
  assert.ok(result.outcome === 'whole', JSON.stringify(result));
  assert.equal(result.checkpoint.size, entryCount);
  assert.equal(result.bundles, 2);
  assert.equal(result.hashTiles, 3);
  assert.ok(result.journal.read === 'yes');
  assert.equal(result.journal.entries, entryCount);
  assert.ok(result.journal.seals >= 1);
  assert.equal(result.journal.unfinishedBytes, 0);
});

const fullTile = ['log', 'tile', '0', '000'];
const fullBundle = ['log', 'tile', 'entries', '000'];

const damages: readonly {
  readonly name: string;
  readonly change: (directory: string) => Promise<void>;
  readonly where: RegExp;
  readonly what: RegExp;
}[] = [
  {
    name: 'a flipped bit in a full hash tile',
    change: (directory) => flipByte(join(directory, ...fullTile), 4000),
    where: /^tile\/0\/000$/,
    what: /hashes are not those of the published entries/,
  },
  {
    name: 'a flipped bit in the partial tile of level 1',
    change: (directory) => flipByte(join(directory, 'log', 'tile', '1', '000.p', '1'), 5),
    where: /^tile\/1\/000\.p\/1$/,
    what: /hashes are not those of the published entries/,
  },
  {
    name: 'a missing tile',
    change: (directory) => rm(join(directory, ...fullTile)),
    where: /^tile\/0\/000$/,
    what: /^it is missing$/,
  },
  {
    name: 'a tile cut short',
    change: (directory) => truncate(join(directory, ...fullTile), 8191),
    where: /^tile\/0\/000$/,
    what: /^it is cut short$/,
  },
  {
    name: 'an entry bundle cut short',
    change: (directory) => truncate(join(directory, ...fullBundle), 1000),
    where: /^tile\/entries\/000$/,
    what: /cut short or not a bundle/,
  },
  {
    name: 'a changed kind in a bundle',
    change: async (directory) => {
      const path = join(directory, ...fullBundle);
      const text = await readFile(path, 'latin1');
      await writeFile(path, text.replace('redemption', 'revocation'), 'latin1');
    },
    where: /^tile\/0\/000$/,
    what: /hashes are not those of the published entries/,
  },
  {
    name: 'a leaf that is no entry',
    change: (directory) => flipByte(join(directory, ...fullBundle), 2),
    where: /^tile\/entries\/000, entry 0$/,
    what: /it is no log entry/,
  },
  {
    name: 'a changed size in the checkpoint',
    change: async (directory) => {
      const path = join(directory, 'log', 'checkpoint');
      await writeFile(path, (await readFile(path, 'utf8')).replace('\n300\n', '\n299\n'));
    },
    where: /^checkpoint$/,
    what: /the signature on the checkpoint does not verify/,
  },
  {
    name: 'a missing checkpoint',
    change: (directory) => rm(join(directory, 'log', 'checkpoint')),
    where: /^checkpoint$/,
    what: /there is none/,
  },
  {
    name: 'a changed payload in the journal, its checksum made right again',
    change: async (directory) => {
      const path = await journalFile(directory);
      const bytes = await readFile(path);
      const { frame, end } = firstEntry(bytes);
      const payload = Buffer.from(Buffer.from(frame.payload).toString().replace('"uid":1', '"uid":2'));
      await writeFile(path, Buffer.concat([encodeFrame({ ...frame, payload }), bytes.subarray(end)]));
    },
    where: /^journal entry 0$/,
    what: /its payload is not the one that its leaf digests/,
  },
  {
    name: 'a journal that ends too early',
    change: async (directory) => truncate(await journalFile(directory), 1000),
    where: /^journal$/,
    what: /^it ends at entry 1, but 300 are published$/,
  },
  {
    name: 'a seal in the journal over another tree',
    change: async (directory) => {
      const note = await readFile(join(directory, 'log', 'checkpoint'), 'utf8');
      const lines = note.split('\n');
      lines[2] = Buffer.alloc(32).toString('base64');
      await appendFile(
        await journalFile(directory),
        encodeFrame({ frame: 'checkpoint', note: lines.join('\n') }),
      );
    },
    where: /^journal\/0000000000000000\.journal, byte \d+$/,
    what: /over 300 entries is of another tree: the log forked/,
  },
];

function firstEntry(bytes: Uint8Array) {
  const reading = readFrame(bytes, 0);
  if (reading.reading !== 'frame' || reading.frame.frame !== 'entry')
    throw new Error('the journal begins otherwise');
  return { frame: reading.frame, end: reading.nextOffset };
}

for (const { name, change, where, what } of damages) {
  test(`the check names ${name}`, async () => {
    const result = await checkChanged(change);
    assert.ok(result.outcome === 'damaged', JSON.stringify(result));
    assert.match(result.where, where);
    assert.match(result.what, what);
  });
}

test('a write that is under way is not damage, and is counted', async () => {
  const result = await checkChanged(async (directory) => appendFile(await journalFile(directory), 'torn'));
  assert.ok(result.outcome === 'whole' && result.journal.read === 'yes');
  assert.equal(result.journal.unfinishedBytes, 4);
});

test('without a journal the published log is checked alone, and the result says so', async () => {
  const directories = { log: join(original, 'log'), journal: null };
  const result = await checkLog(directories, trustOf(signer.key));
  assert.ok(result.outcome === 'whole');
  assert.deepEqual(result.journal, { read: 'no', reason: 'there is no journal beside this copy of the log' });
});

test('a state directory whose journal is gone is damaged, though its published log is whole', async () => {
  const result = await checkChanged((directory) => rm(join(directory, 'journal'), { recursive: true }));
  assert.ok(result.outcome === 'damaged');
  assert.equal(result.where, 'journal');
  assert.match(result.what, /journal is missing, and the state is in it/);
});

test("another key's trust bundle proves nothing", async () => {
  const directories = { log: join(original, 'log'), journal: null };
  const result = await checkLog(directories, trustOf(new SoftwareSigner().key));
  assert.ok(result.outcome === 'damaged');
  assert.deepEqual(
    [result.where, result.what],
    ['checkpoint', 'no key that the trust bundle names for this log signed the checkpoint'],
  );
});

test('a partial tile that was replaced by the full one is read from there', async () => {
  const published = new PublishedLog(join(original, 'log'));
  const leaves = await published.leaves(0, 100);
  assert.equal(leaves.length, 100);
  const hashes = await published.hashes({ level: 0, index: 0, width: 7 });
  assert.equal(hashes.length, 7 * 32);
});
