/** What relying parties do when keys follow one another: export, follow by evidence, and verify what is old. */

import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect } from '../../src/client/client.js';
import type { TrustDocument } from '../../src/format/trust.js';
import { allowed, echo } from '../daemon/requests.js';
import { prepareState, removeState, startDaemon } from '../daemon/running-daemon.js';
import { writ } from './command-line.js';

/** A relying party's own directory: the bundle that was pinned first, and artifacts from before the rotation. */
let party: string;
let state: string;
/** Log index of the artifact that was issued under the first keys. */
let oldIndex: number;

const at = (name: string) => join(party, name);
const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const bundle = (path: string): TrustDocument => read(path);
const operator = (...words: string[]) => writ(words, { home: state, cwd: party });
/** In a directory where no daemon and no state is. */
const relyingParty = (...words: string[]) => writ(words, { home: join(party, 'none'), cwd: party });

async function withDaemon(work: (socketPath: string) => Promise<void>): Promise<void> {
  const daemon = await startDaemon({ stateDirectory: state });
  try {
    await work(daemon.socketPath);
  } finally {
    assert.equal(await daemon.stop(), 0);
  }
}

async function succeed(...words: string[]): Promise<string> {
  const ended = await operator(...words);
  assert.equal(ended.exitCode, 0, ended.stderr + ended.stdout);
  return ended.stdout;
}

/** Authorizes something, into a file. */
async function grantInto(socketPath: string, name: string): Promise<number> {
  const client = await connect({ socketPath });
  try {
    const granted = allowed(await client.authorize({ action: echo(name), ttlSeconds: 3600 }));
    writeFileSync(at(name), JSON.stringify(granted.artifact));
    return granted.index;
  } finally {
    await client.close();
  }
}

describe('trust in keys that follow one another', { timeout: 240_000 }, () => {
  const authority = Buffer.alloc(32, 7).toString('base64');

  before(async () => {
    party = mkdtempSync(join(tmpdir(), 'writ-party-'));
    state = await prepareState();
    // The authority that is named here only has to be told to others; nobody holds its key.
    writeFileSync(join(state, 'writ.toml'), '[policy]\nauthority = "optional"\n');
    await withDaemon(async (socketPath) => {
      await succeed('trust', 'export', '-o', 'pinned.json');
      oldIndex = await grantInto(socketPath, 'old.json');
    });
    await succeed('provision', 'rotate', 'artifact');
    await withDaemon(async (socketPath) => {
      await grantInto(socketPath, 'middle.json');
    });
    // The ceremony would have put it there; the daemon cannot know of it.
    const path = join(state, 'trust.json');
    writeFileSync(path, JSON.stringify({ ...bundle(path), policyAuthorities: [authority] }));
    await succeed('provision', 'rotate', 'log');
    await withDaemon(async (socketPath) => {
      await grantInto(socketPath, 'between.json');
    });
    await succeed('provision', 'rotate', 'log');
    await withDaemon(async (socketPath) => {
      await grantInto(socketPath, 'new.json');
      await succeed('trust', 'export', '-o', 'exported.json');
      await succeed('log', 'prove', String(oldIndex), '--envelope', '-o', 'renewed.json');
    });
    cpSync(join(state, 'hand-over'), at('hand-over'), { recursive: true });
    cpSync(join(state, 'log'), at('log'), { recursive: true });
  });
  after(async () => {
    rmSync(party, { recursive: true });
    await removeState(state);
  });

  it('exports every key, the retired ones with their final tree heads, and the policy authorities', () => {
    const exported = bundle(at('exported.json'));
    assert.deepEqual(exported, bundle(join(state, 'trust.json')));
    assert.deepEqual(
      exported.logs.map(({ retired }) => retired !== null),
      [true, true, false],
    );
    assert.equal(exported.artifactKeys.length, 2);
    assert.deepEqual(exported.policyAuthorities, [authority]);
  });

  it('follows from the first bundle to the newest by evidence alone', async () => {
    const { exitCode, stdout } = await relyingParty(
      'trust',
      'follow',
      'pinned.json',
      'hand-over',
      '-o',
      'followed.json',
    );
    assert.equal(exitCode, 0, stdout);
    assert.equal(
      stdout.match(/^proven {2}hand-over\/\d+\.json: the next (?:log|artifact) key$/gm)?.length,
      3,
    );
    assert.match(stdout, /retired: believed up to its final tree head, over \d+ entries\n +pinned before/);
    assert.match(stdout, /sealed at log index \d+ under a key believed before/);
    assert.deepEqual(bundle(at('followed.json')), {
      ...bundle(at('exported.json')),
      policyAuthorities: [],
    });
    const verified = await relyingParty('verify', 'new.json', '--trust', 'followed.json');
    assert.equal(verified.exitCode, 0, verified.stdout);
  });

  it('takes the evidence in any order, and once more', async () => {
    const names = readdirSync(at('hand-over')).map((name) => join('hand-over', name));
    const ended = await relyingParty('trust', 'follow', 'pinned.json', ...names.reverse(), '--json');
    assert.equal(ended.exitCode, 0, ended.stdout);
    const document = JSON.parse(ended.stdout);
    assert.deepEqual(document.trust, bundle(at('followed.json')));
    assert.ok(document.handOvers.every(({ verdict }: { verdict: string }) => verdict === 'valid'));
    const again = await relyingParty('trust', 'follow', 'followed.json', 'hand-over');
    assert.equal(again.exitCode, 0);
    assert.equal(again.stdout.match(/^known {3}/gm)?.length, 3);
  });

  it('says what an offered bundle names beyond the evidence, and where it believes less', async () => {
    const proven = await relyingParty(
      'trust',
      'follow',
      'pinned.json',
      'hand-over',
      '--compare',
      'followed.json',
    );
    assert.equal(proven.exitCode, 0, proven.stdout);
    assert.match(proven.stdout, /everything that the offered bundle names is believed/);
    const offered = bundle(at('exported.json'));
    const logs = offered.logs.map(({ retired, ...log }, position) => ({
      ...log,
      retired: retired && position === 0 ? { ...retired, compromisedFrom: 2 } : retired,
    }));
    writeFileSync(at('offered.json'), JSON.stringify({ ...offered, logs }));
    const { exitCode, stdout } = await relyingParty(
      'trust',
      'follow',
      'pinned.json',
      'hand-over',
      '--compare',
      'offered.json',
    );
    assert.equal(exitCode, 1);
    assert.match(
      stdout,
      new RegExp(`not proven: .*\\n +policy authority +${authority.replace('+', '\\+')}\n`),
    );
    assert.match(stdout, /believed less by the offered bundle[\s\S]*from index 2 on is revoked/);
  });

  it('writes nothing when a hand-over was changed, left out, or is something else', async () => {
    const [first = '', second = '', third = ''] = readdirSync(at('hand-over')).map((name) =>
      join('hand-over', name),
    );
    const envelope = read(at(third));
    const payload = JSON.parse(Buffer.from(envelope.payload, 'base64').toString('utf8'));
    payload.publicKey = authority;
    const forged = { ...envelope, payload: Buffer.from(JSON.stringify(payload)).toString('base64') };
    writeFileSync(at('forged.json'), JSON.stringify(forged));
    writeFileSync(at('noise.json'), 'noise');
    for (const evidence of [
      [first, second, 'forged.json'],
      [first, third],
      [first, second, third, 'noise.json'],
    ]) {
      const ended = await relyingParty('trust', 'follow', 'pinned.json', ...evidence, '-o', 'unwritten.json');
      assert.equal(ended.exitCode, 1, ended.stdout);
      assert.match(ended.stdout, /^denied {2}/m);
      assert.match(ended.stderr, /not every hand-over holds, so unwritten\.json was not written/);
      assert.ok(!existsSync(at('unwritten.json')));
    }
  });

  it('says where the evidence is missing', async () => {
    const ended = await relyingParty('trust', 'follow', 'pinned.json');
    assert.equal(ended.exitCode, 3);
    assert.match(ended.stderr, /no key of this log was handed over yet, or the evidence lies elsewhere/);
  });

  it('verifies what is older with a new proof, or with a copy of the log', async () => {
    const verify = (...words: string[]) => relyingParty('verify', ...words, '--trust', 'followed.json');
    const stale = await verify('old.json');
    assert.equal(stale.exitCode, 1);
    assert.match(stale.stdout, /BAD_SIGNATURE .*nothing proves that it lies under it/);
    assert.equal((await verify('renewed.json')).exitCode, 0);
    const grown = await verify('old.json', 'middle.json', 'between.json', 'new.json', '--log', 'log');
    assert.equal(grown.exitCode, 0, grown.stdout + grown.stderr);
    assert.match(grown.stdout, /4 valid, 0 denied/);
  });

  it('believes no copy of the log that was changed', async () => {
    cpSync(at('log'), at('changed'), { recursive: true });
    const rows = join(at('changed'), 'tile', '0', '000.p');
    for (const name of readdirSync(rows)) {
      const bytes = readFileSync(join(rows, name));
      writeFileSync(join(rows, name), bytes.fill(1, 0, 32 * 4));
    }
    const changed = await relyingParty('verify', 'old.json', '--trust', 'followed.json', '--log', 'changed');
    assert.equal(changed.exitCode, 1);
    assert.match(changed.stderr, /the log in changed does not prove that the tree of \d+ entries lies under/);
    const none = await relyingParty('verify', 'old.json', '--trust', 'followed.json', '--log', 'hand-over');
    assert.equal(none.exitCode, 2);
    assert.match(none.stderr, /hand-over holds no published log/);
  });

  it('shows the way to whoever names what is no artifact', async () => {
    writeFileSync(at('README.md'), '# Read me\n');
    const { exitCode, stdout } = await relyingParty('verify', 'README.md', '--trust', 'followed.json');
    assert.equal(exitCode, 1);
    assert.match(
      stdout,
      /MALFORMED {2}this is no artifact: it is not a DSSE envelope\n.*writ verify ARTIFACT --file FILE/,
    );
  });
});
