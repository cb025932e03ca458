/** `writ evidence` and `writ verify` of what it wrote: gathered from a real daemon, checked with nothing but the trust bundle. */

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect, type WritClient } from '../../src/client/client.js';
import { activateDocument } from '../../src/client/policy-upload.js';
import { base64Encode } from '../../src/format/base64.js';
import { bundleDigest } from '../../src/format/bundle-digest.js';
import type { Envelope } from '../../src/format/dsse.js';
import { type EvidencePack, readEvidencePack } from '../../src/format/evidence-pack.js';
import { hexEncode } from '../../src/format/hex.js';
import { jcsBytes } from '../../src/format/jcs.js';
import { sha3_512 } from '../../src/hash/evidence.js';
import { loadBundle } from '../../src/policy/bundle.js';
import { policyInput } from '../../src/policy/input.js';
import { authenticate } from '../../src/verify/authenticate.js';
import { unsignedBundle } from '../daemon/governance/bundles.js';
import { allowed, echo, freshNonce, trustOf } from '../daemon/requests.js';
import { type RunningDaemon, removeState, startDaemon } from '../daemon/running-daemon.js';
import { execute, facts } from '../policy/facts.js';
import { trustDocument } from '../verify/quoted-artifact.js';
import { authorization, nonce, origin, predicate, TestLog } from '../verify/sealed-artifact.js';
import { type Ended, writ } from './command-line.js';

const policies = fileURLToPath(new URL('../../../policies', import.meta.url));
const needsOperator = {
  skip: process.getuid?.() === 0 ? false : 'the starter policy lets operators activate, which root is',
};
let daemon: RunningDaemon;
let client: WritClient;
let home: string;

before(async () => {
  daemon = await startDaemon();
  client = await connect({ socketPath: daemon.socketPath, trust: await trustOf(daemon.stateDirectory) });
  home = await mkdtemp(join(tmpdir(), 'writ-evidence-'));
});
after(async () => {
  await client.close();
  await daemon.stop();
  await removeState(daemon.stateDirectory);
  await rm(home, { recursive: true });
});

function run(...words: readonly string[]): Promise<Ended> {
  return writ(words, { home: daemon.stateDirectory });
}

async function packOf(id: string, name: string): Promise<string> {
  const file = join(home, name);
  const { exitCode, stderr } = await run('evidence', id, '-o', file);
  assert.equal(exitCode, 0, stderr);
  assert.equal(stderr, '');
  return file;
}

test('a redeemed authorization is told from the policy to the redemption, and decided again', async () => {
  const artifact = allowed(await client.authorize({ action: echo('told'), purpose: 'a test' }));
  allowed(await client.redeem({ id: artifact.id, nonce: freshNonce(), action: echo('told') }));
  const file = await packOf(artifact.id, 'redeemed.writ');
  const { exitCode, stdout } = await run('verify', file);
  assert.equal(exitCode, 0, stdout);
  assert.match(stdout, /^valid\n/);
  assert.match(stdout, /version \d+ of the policy came into force/);
  assert.match(stdout, /was allowed to run: .*told/);
  const again = ' +decided again from the kept input by cedar-[\\d.]+: the same\n';
  assert.match(stdout, new RegExp(`until [^ ]+\n +purpose.*\n${again}`));
  assert.match(stdout, new RegExp(`redeemed it\n${again}`));
  assert.match(stdout, /^ {2}completeness: /m);
  assert.match(stdout, /^ {2}no-later-revocation: /m);
});

test('a standing status that came after it bounds what is not known of its revocation', async () => {
  const artifact = allowed(await client.authorize({ action: echo('standing') }));
  const status = allowed(await client.statusStatement());
  const said = `in the standing status of the log at entry ${status.index}, .*, it`;
  const { stdout } = await run('verify', await packOf(artifact.id, 'standing.writ'));
  assert.match(stdout, new RegExp(`^${said} is not among what was revoked$`, 'm'));
  assert.match(stdout, /^ {2}revocation-since: not revoked as of /m);
  assert.doesNotMatch(stdout, /no-later-revocation|nothing to do with it/);

  allowed(await client.revoke({ id: artifact.id }));
  const later = allowed(await client.statusStatement());
  const revoked = await run('verify', await packOf(artifact.id, 'revoked.writ'));
  assert.match(
    revoked.stdout,
    new RegExp(`status of the log at entry ${later.index}, .*, it is named as revoked$`, 'm'),
  );
  assert.doesNotMatch(revoked.stdout, /revocation-since|nothing to do with it/);
});

test(
  'what was redeemed under another bundle is told and decided again under that one',
  needsOperator,
  async () => {
    const { version } = await client.policy();
    const artifact = allowed(await client.authorize({ action: echo('late') }));
    allowed(await activateDocument(client, unsignedBundle({ version: version + 1 })));
    const receipt = allowed(
      await client.redeem({ id: artifact.id, nonce: freshNonce(), action: echo('late') }),
    );
    const file = await packOf(artifact.id, 'late.writ');
    const { exitCode, stdout } = await run('verify', file);
    assert.equal(exitCode, 0, stdout);
    const told = [`version ${version} of`, 'was allowed to run', `version ${version + 1} of`, 'redeemed it'];
    const places = told.map((words) => stdout.indexOf(words));
    assert.deepEqual(
      places,
      places.filter((place) => place >= 0).toSorted((left, right) => left - right),
      stdout,
    );
    assert.equal(stdout.match(/decided again .*: the same/g)?.length, 2, stdout);
    const pack = readEvidencePack(JSON.parse(await readFile(file, 'utf8')));
    assert.deepEqual([pack.bundles.length, pack.inputs.map(({ id }) => id)], [2, [artifact.id, receipt.id]]);
    const without = join(home, 'without.writ');
    await writeFile(without, JSON.stringify({ ...pack, inputs: pack.inputs.slice(0, 1) }));
    const poorer = await run('verify', without);
    assert.equal(poorer.exitCode, 0, poorer.stdout);
    assert.match(poorer.stdout, /redeemed it\n +not decided again: its input is not in the file/);
    assert.match(poorer.stdout, /decision: that of entry \d+ was not made again/);
  },
);

test('a denial is evidence too', async () => {
  const denied = await client.authorize({ action: { ...echo('x'), executable: '/usr/bin/rm' } });
  assert.ok(denied.decision === 'deny' && denied.evidence !== null);
  const { exitCode, stdout } = await run('verify', await packOf(denied.evidence.id, 'denied.writ'));
  assert.equal(exitCode, 0, stdout);
  assert.match(stdout, /was denied authorize\n.*POLICY_DENIED/);
});

test('a pack that somebody touched proves nothing', async () => {
  const artifact = allowed(await client.authorize({ action: echo('touched') }));
  const pack = readEvidencePack(
    JSON.parse(await readFile(await packOf(artifact.id, 'touched.writ'), 'utf8')),
  );
  const touched: readonly (readonly [EvidencePack, RegExp])[] = [
    [{ ...pack, inputs: pack.inputs.map(({ id }) => ({ id, input: 'e30=' })) }, /POLICY_MISMATCH/],
    [{ ...pack, entries: pack.entries.slice(0, 1) }, /NO_AUTHORIZATION/],
    [
      {
        ...pack,
        entries: pack.entries.map((entry) => ({
          ...entry,
          payload: `${entry.payload.slice(0, -8)}AAAAAAA=`,
        })),
      },
      /BAD_SIGNATURE|MALFORMED/,
    ],
  ];
  for (const [changed, expected] of touched) {
    const file = join(home, 'changed.writ');
    await writeFile(file, JSON.stringify(changed));
    const { exitCode, stdout } = await run('verify', file);
    assert.equal(exitCode, 1, stdout);
    assert.match(stdout, expected);
  }
});

test('a decision that comes out otherwise is denied, whoever sealed it', async () => {
  const log = new TestLog();
  const { files, digest } = await loadBundle(policies);
  const input = jcsBytes(policyInput(facts(execute('/usr/bin/rm'))));
  const policy = { ...predicate.policy, bundle: digest, input: hexEncode(sha3_512(input)) };
  assert.equal(bundleDigest(files), digest);
  const artifact = log.sealStatement(authorization({ policy }), 1);
  const { id } = authenticIn(artifact, log);
  const receipt = log.sealRecord(
    {
      type: 'urn:writ:redemption:v1',
      log: origin,
      nonce,
      time: '2026-01-01T00:00:01.000Z',
      artifact: id,
      artifactIndex: 1,
      redeemerNonceDigest: '8'.repeat(128),
      redeemer: { uid: 1000, gid: 1000 },
      policy: [policy],
    },
    2,
  );
  const pack: EvidencePack = {
    type: 'urn:writ:evidence:v1',
    subject: id,
    entries: [artifact, receipt],
    inputs: [{ id, input: base64Encode(input) }],
    bundles: [files],
    policyProofs: [],
  };
  const file = join(home, 'otherwise.writ');
  const trust = join(home, 'trust.json');
  await writeFile(file, JSON.stringify(pack));
  await writeFile(trust, JSON.stringify(trustDocument(log, null)));
  const shown = await run('verify', file, '--trust', trust);
  assert.equal(shown.exitCode, 1, shown.stdout);
  assert.match(shown.stdout, /until [^ ]+\n +DECIDED OTHERWISE/);
  assert.match(shown.stdout, /redeemed it\n +DECIDED OTHERWISE/);
});

function authenticIn(artifact: Envelope, log: TestLog) {
  const result = authenticate(artifact, log.trust);
  return result.outcome === 'authentic' ? result.authentic : assert.fail(result.denial.message);
}

test('an unknown id, and a file that cannot be written, are refused', async () => {
  const unknown = await run('evidence', `sha3-512:${'0'.repeat(128)}`, '-o', join(home, 'none.writ'));
  assert.equal(unknown.exitCode, 1);
  const nowhere = await run('evidence', `sha3-512:${'0'.repeat(128)}`, '-o', join(home, 'no/such/file'));
  assert.equal(nowhere.exitCode, 2);
});
