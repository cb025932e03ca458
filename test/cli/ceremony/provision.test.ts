/** `writ provision` on a real SoftHSM2: dry run, ceremony, resumption after SIGKILL, and the transcript that it leaves. */

import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { base64Encode } from '../../../src/format/base64.js';
import { readKeysFile } from '../../../src/hsm/keys-file.js';
import { listKeys, tokenStatus } from '../../../src/hsm/token.js';
import { removeState, startDaemon } from '../../daemon/running-daemon.js';
import { starterDirectory } from '../../policy/facts.js';
import { writ } from '../command-line.js';
import { type CeremonyHome, killIn, makeCeremonyHome, tokenTable, transcriptOf } from './ceremony-home.js';

describe('a ceremony by a plan', () => {
  let home: CeremonyHome;
  let plan: string;
  const run = (...words: string[]) => writ(words, { home: home.state, cwd: home.directory });
  before(() => {
    home = makeCeremonyHome();
    const authority = `[policy_authority]\nplace = "own-token"\n${tokenTable(home, 'policy_authority.token', 'authority')}`;
    plan = home.plan(
      `origin = "test.example/ceremony"\nby = "A. Tester"\n${tokenTable(home, 'token', 'main')}${authority}`,
    );
  });
  after(() => home.remove());

  it('says what it would make, and makes nothing', async () => {
    const ended = await run('provision', '--plan', plan, '--dry-run', '--json');
    assert.equal(ended.exitCode, 0, ended.stderr);
    const { steps } = JSON.parse(ended.stdout);
    assert.deepEqual(
      steps.map(({ step, outcome }: { step: string; outcome: string }) => `${step}: ${outcome}`),
      [
        'log: made',
        'TPM: skipped',
        'PINs: made',
        'token: made',
        'log key: pending',
        'artifact key: pending',
        'PINs of the policy authority: made',
        'token of the policy authority: made',
        'policy key: pending',
        'keys.json: pending',
        'trust.json: pending',
      ],
    );
    assert.ok(!existsSync(home.state));
    assert.ok(!existsSync(join(home.directory, 'pins')));
    const tokens = await tokenStatus({ modulePath: home.modulePath, softhsmConf: home.softhsmConf });
    assert.ok(tokens.every(({ state }) => state === 'blank'));
  });

  it('makes tokens, keys, pins and a trust bundle, and signs a transcript of them', async () => {
    const ended = await run('provision', '--plan', plan, '--json');
    assert.equal(ended.exitCode, 0, ended.stderr);
    const pinned = readKeysFile(join(home.state, 'keys.json'));
    const transcript = transcriptOf(home.state);
    assert.equal(transcript.log, 'test.example/ceremony');
    assert.equal(transcript.by.claimed, 'A. Tester');
    assert.equal(transcript.by.uid, process.getuid?.());
    assert.deepEqual(
      transcript.keys.map(({ role }) => role),
      ['log', 'artifact', 'policy'],
    );
    assert.equal(transcript.keys[0]?.publicKey, base64Encode(pinned.keys.log.publicKey));
    assert.deepEqual(
      transcript.tokens.map(({ label, firmware }) => `${label} ${firmware}`),
      ['main 2.06', 'authority 2.06'],
    );
    assert.notEqual(transcript.keys[0]?.token, transcript.keys[2]?.token);
    assert.ok(
      transcript.steps.every(({ step, outcome }) => outcome === (step === 'TPM' ? 'skipped' : 'made')),
    );
    for (const file of ['main-user', 'main-so', 'authority-user', 'authority-so'])
      assert.equal(statSync(join(home.directory, 'pins', `${file}.pin`)).mode & 0o777, 0o600);
  });

  it('verifies offline, and says what it does not prove', async () => {
    const path = join(home.state, 'provisioning', 'transcript.json');
    const ended = await run('provision', 'verify', path, '--json');
    assert.equal(ended.exitCode, 0, ended.stdout);
    const verdict = JSON.parse(ended.stdout);
    assert.equal(verdict.signedBy, 'policy');
    const open = verdict.unproven.map(({ what }: { what: string }) => what);
    assert.deepEqual(open, ['attributes', 'device', 'person', 'time', 'completeness', 'since']);
  });

  it('is denied under a trust bundle that pins another key, naming which', async () => {
    const trust = JSON.parse(readFileSync(join(home.state, 'trust.json'), 'utf8'));
    const other = join(home.directory, 'other-trust.json');
    writeFileSync(other, JSON.stringify({ ...trust, policyAuthorities: trust.artifactKeys }));
    const path = join(home.state, 'provisioning', 'transcript.json');
    const ended = await run('provision', 'verify', path, '--trust', other, '--json');
    assert.equal(ended.exitCode, 1);
    assert.deepEqual(JSON.parse(ended.stdout).reasons, [
      'the trust bundle does not hold this policy authority',
    ]);
  });

  it('can be run again: nothing is made twice', async () => {
    const before = readFileSync(join(home.state, 'keys.json'), 'utf8');
    const ended = await run('provision', '--plan', plan, '--json');
    assert.equal(ended.exitCode, 0, ended.stderr);
    assert.equal(readFileSync(join(home.state, 'keys.json'), 'utf8'), before);
    assert.equal((await listKeys(readKeysFile(join(home.state, 'keys.json')))).length, 2);
  });

  it('refuses another plan for the same state', async () => {
    const other = join(home.directory, 'other.toml');
    writeFileSync(other, readFileSync(plan, 'utf8').replace('A. Tester', 'Somebody else'));
    const ended = await run('provision', '--plan', other);
    assert.equal(ended.exitCode, 2);
    assert.match(ended.stderr, /follows another plan/);
  });

  it('gives a daemon all that it needs, and does not run beside one', async () => {
    // The authority that the ceremony made must sign what decides.
    const policies = join(home.directory, 'policies');
    cpSync(starterDirectory, policies, { recursive: true });
    assert.equal((await run('policy', 'sign', policies)).exitCode, 0);
    const daemon = await startDaemon({ stateDirectory: home.state, flags: ['--policy', policies] });
    try {
      const status = JSON.parse((await run('status', '--json')).stdout);
      assert.equal(status.log.origin, 'test.example/ceremony');
      const ended = await run('provision', '--plan', plan);
      assert.equal(ended.exitCode, 3);
      assert.match(ended.stderr, /stop it first/);
    } finally {
      await daemon.stop();
      await removeState(join(home.state, 'writ.sock'));
    }
  });

  it('does not adopt what the plan does not name as such', async () => {
    const fresh = join(home.directory, 'fresh');
    const again = await writ(['provision', '--plan', plan], { home: fresh, cwd: home.directory });
    assert.equal(again.exitCode, 3);
    assert.match(again.stderr, /token "main" exists and is in use, but the plan says action = "initialize"/);
    const adopting = join(home.directory, 'adopt.toml');
    writeFileSync(adopting, tokenTable(home, 'token', 'main', 'adopt'));
    const keys = await writ(['provision', '--plan', adopting], { home: fresh, cwd: home.directory });
    assert.equal(keys.exitCode, 3);
    assert.match(keys.stderr, /already holds a key labelled "writ log key"/);
    assert.ok(!existsSync(join(fresh, 'keys.json')));
  });
});

describe('a ceremony that is killed', () => {
  for (const step of ['PINs', 'token', 'log key', 'artifact key', 'keys.json']) {
    it(`in the step "${step}" is finished by the next run, with nothing made twice`, async () => {
      const home = makeCeremonyHome();
      try {
        const plan = home.plan(tokenTable(home, 'token', 'main'));
        await killIn(home, plan, step);
        // No plan and no terminal: it goes on with what it was told.
        const ended = await writ(['provision', '--json'], { home: home.state, cwd: home.directory });
        assert.equal(ended.exitCode, 0, ended.stderr);
        const tokens = await tokenStatus({ modulePath: home.modulePath, softhsmConf: home.softhsmConf });
        assert.equal(tokens.filter(({ state }) => state === 'initialized').length, 1);
        const pinned = readKeysFile(join(home.state, 'keys.json'));
        assert.equal((await listKeys(pinned)).length, 2);
        const transcript = transcriptOf(home.state);
        assert.ok(
          transcript.steps.every(({ step, outcome }) => outcome === (step === 'TPM' ? 'skipped' : 'made')),
        );
        const verified = await writ(
          ['provision', 'verify', join(home.state, 'provisioning', 'transcript.json')],
          { home: home.state },
        );
        assert.equal(verified.exitCode, 0, verified.stdout);
      } finally {
        home.remove();
      }
    });
  }
});
