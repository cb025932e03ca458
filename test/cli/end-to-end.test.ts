/** The commands against a real daemon on a real token, from the first authorization to the check of the log. */

import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { formatVerifierKey } from '../../src/format/note.js';
import type { TrustDocument } from '../../src/format/trust.js';
import { type RunningDaemon, removeState, startDaemon } from '../daemon/running-daemon.js';
import { TestLog } from '../verify/sealed-artifact.js';
import { type Ended, writ } from './command-line.js';

let daemon: RunningDaemon;
let work: string;

/** Runs `writ` in the working directory of these tests. */
function run(...words: readonly string[]): Promise<Ended> {
  return writ(words, { home: daemon.stateDirectory, cwd: work });
}

/** As `run`, and the one JSON document that comes out. */
async function runJson<Document>(
  ...words: readonly string[]
): Promise<Ended & { readonly document: Document }> {
  const [first = '', ...rest] = words;
  const ended = await run(first, '--json', ...rest);
  return { ...ended, document: JSON.parse(ended.stdout) as Document };
}

const inWork = (name: string) => join(work, name);

interface Decided {
  readonly decision: string;
  readonly id: string;
  readonly index: number;
  readonly denials: readonly { readonly code: string }[];
}

describe('writ', { timeout: 120_000 }, () => {
  before(async () => {
    daemon = await startDaemon();
    work = join(daemon.stateDirectory, 'work');
    await mkdir(work);
  });
  after(async () => {
    await daemon.stop();
    await removeState(daemon.stateDirectory);
  });

  test('run starts what was authorized, and passes its output and exit code on', async () => {
    const { exitCode, stdout, stderr } = await run('run', '--', '/bin/echo', 'hello', '--json', '-n');
    assert.deepEqual([exitCode, stdout, stderr], [0, 'hello --json -n\n', '']);
    const failing = await run('run', '--', 'cat', '/no/such/file');
    assert.equal(failing.exitCode, 1);
    assert.match(failing.stderr, /^(?:\/usr)?(?:\/bin\/)?cat: \/no\/such\/file/);
  });

  test('run starts nothing that is denied, and says why on standard error', async () => {
    await writeFile(inWork('kept'), 'kept');
    const { exitCode, stdout, stderr } = await run('run', '--', '/bin/rm', 'kept');
    assert.deepEqual([exitCode, stdout], [1, '']);
    assert.match(stderr, /^denied\n {2}POLICY_DENIED {2}/);
    assert.match(stderr, /-> /);
    assert.match(stderr, /evidence {2}sha3-512:[0-9a-f]{128} \(log index \d+\)/);
    assert.equal(await readFile(inWork('kept'), 'utf8'), 'kept');
    const json = await runJson<Decided>('run', '--', '/bin/rm', 'kept');
    assert.deepEqual([json.exitCode, json.document.decision], [1, 'deny']);
  });

  test("run under another key than the daemon's starts nothing", async () => {
    const own: TrustDocument = JSON.parse(await readFile(join(daemon.stateDirectory, 'trust.json'), 'utf8'));
    const logs = own.logs.map(({ origin }) => ({
      origin,
      vkey: formatVerifierKey(new TestLog(origin).key),
      retired: null,
    }));
    await writeFile(inWork('foreign.json'), JSON.stringify({ ...own, logs }));
    const { exitCode, stdout, stderr } = await run(
      'run',
      '--trust',
      'foreign.json',
      '--',
      '/bin/echo',
      'hello',
    );
    assert.deepEqual([exitCode, stdout], [1, '']);
    assert.match(
      stderr,
      /the answer to authorize cannot be used: it does not verify under the pinned trust bundle/,
    );
  });

  test('an authorization is one envelope in a file, which verifies offline until one byte changes', async () => {
    const asked = await run(
      'authorize',
      '--ttl',
      '120',
      '--ticket',
      'T-1',
      '-o',
      'a.json',
      '--',
      '/bin/echo',
      'x',
    );
    assert.match(asked.stdout, /^authorized\n/);
    assert.equal(asked.exitCode, 0);
    const text = await readFile(inWork('a.json'), 'utf8');
    assert.equal(text, `${JSON.stringify(JSON.parse(text))}\n`);
    assert.deepEqual(Object.keys(JSON.parse(text)), ['payload', 'payloadType', 'signatures']);
    const valid = await run('verify', 'a.json');
    assert.equal(valid.exitCode, 0);
    assert.match(valid.stdout, /^valid\n/);
    assert.match(valid.stdout, /ticket +T-1/);
    assert.match(valid.stdout, /not proven\n[\s\S]*no-later-revocation/);
    const named = await run('verify', 'a.json', '--file', '/bin/echo');
    assert.equal(named.exitCode, 0);
    const other = await runJson<{ denials: { code: string }[] }>('verify', 'a.json', '--file', '/bin/cat');
    assert.deepEqual([other.exitCode, other.document.denials[0]?.code], [1, 'SCOPE_MISMATCH']);
    await writeFile(
      inWork('bad.json'),
      text.replace(/"payload":"(.{400})./, (_all, start) => `"payload":"${start}A`),
    );
    const bad = await run('verify', 'bad.json');
    assert.equal(bad.exitCode, 1);
    assert.match(bad.stdout, /^denied\n {2}(?:BAD_SIGNATURE|MALFORMED)/);
    assert.match(bad.stdout, /nothing that this file says is proven/);
  });

  test('many artifacts are verified together, and one that is denied decides the exit code', async () => {
    const text = await readFile(inWork('a.json'), 'utf8');
    await writeFile(inWork('b.json'), text);
    const both = await run('verify', 'a.json', 'b.json');
    assert.equal(both.exitCode, 0);
    assert.match(both.stdout, /^valid {3}a\.json\nvalid {3}b\.json\n2 valid, 0 denied\n/);
    const mixed = await run('verify', 'a.json', 'bad.json', 'b.json');
    assert.equal(mixed.exitCode, 1);
    assert.match(
      mixed.stdout,
      /^valid {3}a\.json\ndenied {2}bad\.json\n {2}(?:BAD_SIGNATURE|MALFORMED): [^\n]+\nvalid {3}b\.json\n2 valid, 1 denied\n/,
    );
    const alone = await runJson<object>('verify', 'bad.json');
    const listed = await runJson<object[]>('verify', 'a.json', 'bad.json');
    assert.deepEqual(listed.document[1], { file: 'bad.json', ...alone.document });
    assert.equal((await run('verify', 'a.json', 'missing.json')).exitCode, 2);
  });

  test('what is no artifact at all is denied as malformed, with exit code 1', async () => {
    await writeFile(inWork('noise.json'), 'not json');
    const { exitCode, stdout } = await run('verify', 'noise.json');
    assert.equal(exitCode, 1);
    assert.match(stdout, /MALFORMED/);
  });

  test('the evidence of a denial is authentic and denied', async () => {
    const asked = await run('authorize', '-o', 'd.json', '--', '/bin/rm', 'kept');
    assert.equal(asked.exitCode, 1);
    assert.match(asked.stderr, /the evidence of this denial is in d\.json/);
    const { exitCode, stdout } = await run('verify', 'd.json');
    assert.equal(exitCode, 1);
    assert.match(stdout, /NO_AUTHORIZATION {2}this is evidence of a denial \(POLICY_DENIED\)/);
    assert.match(stdout, /authentic all the same/);
  });

  test('an authorization is redeemed once; the same nonce gets the same receipt again', async () => {
    await run('authorize', '-o', 'once.json', '--', '/bin/echo', 'once');
    const nonce = 'AAECAwQFBgcICQoLDA0ODw==';
    const first = await runJson<Decided>('redeem', 'once.json', '--nonce', nonce, '-o', 'receipt.json');
    const again = await runJson<Decided>('redeem', 'once.json', '--nonce', nonce);
    assert.deepEqual([first.exitCode, again.exitCode], [0, 0]);
    assert.equal(again.document.id, first.document.id);
    const replayed = await runJson<Decided>('redeem', 'once.json');
    assert.deepEqual([replayed.exitCode, replayed.document.denials[0]?.code], [1, 'REPLAYED']);
    const receipt = await run('verify', 'receipt.json');
    assert.match(receipt.stdout, /a log record of kind redemption, which permits nothing by itself/);
  });

  test('a receipt that could not be written is not asked for', async () => {
    await run('authorize', '-o', 'kept.json', '--', '/bin/echo', 'kept');
    const unwritable = await run('redeem', 'kept.json', '-o', 'no-such-directory/receipt.json');
    assert.equal(unwritable.exitCode, 2);
    assert.match(unwritable.stderr, /there is no directory no-such-directory/);
    assert.equal((await run('redeem', 'kept.json')).exitCode, 0);
  });

  test('an id stands for an artifact, and a revocation ends its descendants too', async () => {
    const parent = await runJson<Decided>('authorize', '--', '/bin/echo', 'parent');
    const child = await runJson<Decided>(
      'authorize',
      '--parent',
      parent.document.id,
      '-o',
      'c.json',
      '--',
      '/usr/bin/id',
    );
    assert.equal(child.exitCode, 0);
    assert.equal((await run('revoke', parent.document.id, '--cause', 'compromised')).exitCode, 0);
    const tree = await run('lineage', 'c.json');
    assert.match(
      tree.stdout,
      /^\/bin\/echo parent {2}revoked .*\n`-- \/usr\/bin\/id {2}revoked .* <- this one\n$/,
    );
    const redeemed = await runJson<Decided>('redeem', child.document.id);
    assert.equal(redeemed.exitCode, 1);
    assert.ok(redeemed.document.denials.some(({ code }) => code === 'REVOKED'));
  });

  test('a signed file is checked by its digests, and the export carries a plain signature beside the proof', async () => {
    await writeFile(inWork('release'), 'bytes');
    const signed = await run('sign', 'release', '-o', 'release.writ');
    assert.match(signed.stdout, /^signed\n {2}file +release \(5 bytes\)/);
    assert.equal((await run('verify', 'release.writ', '--file', 'release')).exitCode, 0);
    await writeFile(inWork('release'), 'other');
    assert.equal((await run('verify', 'release.writ', '--file', 'release')).exitCode, 1);
    const exported = await runJson<{ artifact: { signatures: unknown[] } }>('export', 'release.writ');
    assert.equal(exported.document.artifact.signatures.length, 2);
  });

  test('the log shows what happened, proves an entry by index and id, and is whole', async () => {
    await run('authorize', '-o', 'p.json', '--', '/bin/echo', 'prove');
    const byFile = await runJson<{ index: number; proof: string }>('log', 'prove', 'p.json');
    const byIndex = await run('log', 'prove', String(byFile.document.index));
    assert.match(byIndex.stdout, new RegExp(`^c2sp\\.org/tlog-proof@v1\\nindex ${byFile.document.index}\\n`));
    const inEnvelope = await run('log', 'prove', '0', '--envelope', '-o', 'entry.json');
    assert.equal(inEnvelope.exitCode, 0, inEnvelope.stderr);
    const ofRecord = await run('verify', 'entry.json');
    assert.equal(ofRecord.exitCode, 1, 'a record is authentic, and permits nothing');
    assert.match(ofRecord.stdout, /NO_AUTHORIZATION {2}this is a log record of kind \w+/);
    assert.match(ofRecord.stdout, /authentic all the same/);
    const beyond = await run('log', 'prove', '999999');
    assert.deepEqual([beyond.exitCode, beyond.stdout.slice(0, 6)], [1, 'denied']);
    const denials = await runJson<{ entries: { kind: string; text: string }[] }>(
      'log',
      'show',
      '--kind',
      'denial',
      '-n',
      '2',
    );
    assert.equal(denials.document.entries.length, 2);
    assert.ok(denials.document.entries.every(({ kind, text }) => kind === 'denial' && text.length > 0));
    const check = await run('log', 'check');
    assert.match(check.stdout, /^whole\n[\s\S]*journal +\d+ payloads digest to their leaves/);
    assert.equal(check.exitCode, 0);
  });

  test('trust export gives the very bundle that the daemon pinned for this machine', async () => {
    const { exitCode, stderr } = await run('trust', 'export', '-o', 'trust.json');
    assert.equal(exitCode, 0);
    assert.match(stderr, /must get this file over a path that they trust/);
    const pinned = JSON.parse(await readFile(join(daemon.stateDirectory, 'trust.json'), 'utf8'));
    assert.deepEqual(JSON.parse(await readFile(inWork('trust.json'), 'utf8')), pinned);
  });

  test('status, keys and token describe what is really there', async () => {
    const status = await runJson<{ state: string; log: { origin: string } }>('status');
    assert.deepEqual([status.exitCode, status.document.state], [0, 'ready']);
    const keys = await runJson<{ keys: { role: string; pin: string; exposure: string | null }[] }>(
      'keys',
      'list',
    );
    assert.deepEqual(keys.document.keys.map(({ role, pin, exposure }) => [role, pin, exposure]).sort(), [
      ['artifact', 'matches', null],
      ['log', 'matches', null],
    ]);
    const token = await run('token', 'status');
    assert.match(token.stdout, /writ development <- set up here/);
    const init = await runJson<{ outcome: string }>('token', 'init', '--development');
    assert.equal(init.document.outcome, 'present');
  });
});
