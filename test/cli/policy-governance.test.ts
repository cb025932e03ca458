// A policy authority on a real token signs what a real daemon decides by, delegates, and hands over; a verifier follows offline.

import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { generateKey, listKeys } from '../../src/hsm/token.js';
import type { TokenAccess } from '../../src/hsm/token-access.js';
import { type RunningDaemon, startDaemon } from '../daemon/running-daemon.js';
import { starterDirectory } from '../policy/facts.js';
import { type CeremonyHome, makeCeremonyHome, tokenTable } from './ceremony/ceremony-home.js';
import { type Ended, writ } from './command-line.js';

const skip = process.getuid?.() === 0 ? false : 'the starter policy lets operators activate, which root is';

describe('a policy authority on its token', { skip }, () => {
  let home: CeremonyHome;
  let daemon: RunningDaemon | null = null;
  let bundle: string;
  let access: TokenAccess;
  let root: string;

  const run = (...words: string[]): Promise<Ended> =>
    writ(words, { home: home.state, cwd: home.directory, environment: { SOFTHSM2_CONF: home.softhsmConf } });
  const json = async (...words: string[]) => JSON.parse((await run(...words, '--json')).stdout);
  const done = async (...words: string[]): Promise<string> => {
    const ended = await run(...words);
    assert.equal(ended.exitCode, 0, `${words.join(' ')}: ${ended.stdout}${ended.stderr}`);
    return ended.stdout;
  };
  const inFile = (name: string): string => join(home.directory, name);
  const start = () => startDaemon({ stateDirectory: home.state, flags: ['--policy', bundle] });
  const setVersion = (version: number): void => {
    const path = join(bundle, 'bundle.toml');
    writeFileSync(path, readFileSync(path, 'utf8').replace(/^version = .*$/m, `version = ${version}`));
  };

  before(async () => {
    home = makeCeremonyHome();
    bundle = mkdtempSync(join(home.directory, 'policies-'));
    cpSync(starterDirectory, bundle, { recursive: true });
    const plan = home.plan(
      `${tokenTable(home, 'token', 'writ')}[tpm]\nenrol = false\n[policy_authority]\nplace = "own-token"\n` +
        tokenTable(home, 'policy_authority.token', 'authority'),
    );
    await done('provision', '--plan', plan);
    [root = ''] = JSON.parse(readFileSync(join(home.state, 'trust.json'), 'utf8')).policyAuthorities;
    access = {
      modulePath: home.modulePath,
      softhsmConf: home.softhsmConf,
      token: { label: 'authority' },
      pin: { type: 'file', path: inFile('pins/authority-user.pin') },
    };
  });

  after(async () => {
    await daemon?.stop();
    home.remove();
  });

  test('no daemon starts under a bundle that it did not sign', async () => {
    await assert.rejects(start(), /signed by nobody, and a policy authority must sign here/);
    assert.equal(existsSync(join(bundle, 'bundle.writ-policy.json')), false);
    setVersion(7);
    const signed = await json('policy', 'sign', bundle);
    assert.deepEqual([signed.version, signed.authority], [7, root]);
    setVersion(8);
    await assert.rejects(start(), /signed by nobody/);
    setVersion(7);
    daemon = await start();
    const shown = await json('policy', 'show');
    assert.deepEqual([shown.version, shown.authority], [7, root]);
  });

  test('a newer bundle decides once it is signed, and a verifier proves that offline', async () => {
    setVersion(8);
    const refused = await run('policy', 'activate', bundle);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /signs another state of this directory/);
    assert.match(refused.stdout, /BAD_SIGNATURE/);
    await done('policy', 'sign', bundle);
    await done('policy', 'activate', bundle, '-o', inFile('record.json'));
    await done('authorize', '-o', inFile('artifact.json'), '--', '/usr/bin/echo', 'x');
    await done('policy', 'show', '--proof', inFile('proof.json'));
    const trust = join(home.state, 'trust.json');
    const verified = await json(
      'verify',
      inFile('artifact.json'),
      '--trust',
      trust,
      '--policy',
      inFile('proof.json'),
    );
    assert.equal(verified.verdict, 'valid', JSON.stringify(verified));
    assert.equal(
      verified.unproven.some(({ what }: { readonly what: string }) => what === 'policy'),
      false,
    );
    const without = await json('verify', inFile('artifact.json'), '--trust', trust);
    assert.ok(without.unproven.some(({ what }: { readonly what: string }) => what === 'policy'));
    const unpinned = JSON.parse(readFileSync(trust, 'utf8'));
    writeFileSync(inFile('unpinned.json'), JSON.stringify({ ...unpinned, policyAuthorities: [] }));
    const doubted = ['verify', inFile('artifact.json'), '--trust', inFile('unpinned.json'), '--policy'];
    assert.match(
      (await run(...doubted, inFile('proof.json'))).stdout,
      /BAD_SIGNATURE.*pins no policy authority/s,
    );
  });

  test('a delegate signs for it, and no more than that', async () => {
    const made = await generateKey(access, { label: 'delegate', id: 'de1e9a7e' });
    const key = Buffer.from(made.publicKey ?? []).toString('base64');
    const delegation = inFile('delegation.writ-policy.json');
    await done('policy', 'delegate', key, '--name', 'starter', '--days', '1', '-o', delegation);
    setVersion(9);
    await done('policy', 'sign', bundle, '--key', 'de1e9a7e');
    assert.match((await run('policy', 'activate', bundle)).stdout, /BAD_SIGNATURE/);
    await done('policy', 'sign', bundle, '--key', 'de1e9a7e', '--chain', delegation);
    await done('policy', 'activate', bundle);
    assert.equal((await json('policy', 'show')).authority, key);
  });

  test('its successor takes over, and it signs nothing any more', async () => {
    const succession = inFile('succession.writ-policy.json');
    const { key } = await json('policy', 'rotate-authority', '-o', succession);
    assert.equal(
      (await listKeys(access)).filter(({ label }) => label.startsWith('writ policy key')).length,
      2,
    );
    await done('policy', 'activate', succession);
    setVersion(10);
    const [old] = (await listKeys(access)).filter(({ label }) => label === 'writ policy key');
    await done('policy', 'sign', bundle, '--key', old?.id ?? '');
    assert.match(
      (await run('policy', 'activate', bundle)).stdout,
      /BAD_SIGNATURE.*handed over to another key/s,
    );
    await done('policy', 'sign', bundle);
    await done('policy', 'activate', bundle);
    assert.equal((await json('policy', 'show')).authority, key);
    // A verifier that pins the first key alone follows by the proof.
    await done('authorize', '-o', inFile('later.json'), '--', '/usr/bin/echo', 'y');
    await done('policy', 'show', '--proof', inFile('later-proof.json'));
    const words = ['verify', inFile('later.json'), '--trust', join(home.state, 'trust.json'), '--policy'];
    await done(...words, inFile('later-proof.json'));
    const mixed = await run(...words, inFile('proof.json'));
    assert.equal(mixed.exitCode, 1);
    assert.match(mixed.stdout, /POLICY_MISMATCH/);
    const log = await done('log', 'show', '-n', '40');
    assert.match(log, /statement of the authority/);
  });

  test('what cannot be signed is refused before the token is asked', async () => {
    const path = join(bundle, 'starter.cedar');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace('@id("signers-sign")', ''));
    const unsound = await run('policy', 'sign', bundle);
    assert.equal(unsound.exitCode, 2);
    assert.match(unsound.stderr, /no usable @id/);
    writeFileSync(path, text.replace(/@id\("operators-activate"\)[^;]*;/, ''));
    const nameless = await run(
      'policy',
      'delegate',
      root,
      '--name',
      'Not A Name',
      '--days',
      '1',
      '-o',
      inFile('x'),
    );
    assert.equal(nameless.exitCode, 2);
    writeFileSync(path, text);
    rmSync(join(bundle, 'bundle.writ-policy.json'));
  });
});
