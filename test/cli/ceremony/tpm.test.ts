/** The TPM in the ceremony, on a real simulator beside a real SoftHSM2: enrolled, interrupted, adopted, left out, verified. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { base64Decode } from '../../../src/format/base64.js';
import { tpmNameOf } from '../../../src/format/tpm-public.js';
import { parseTrust } from '../../../src/format/trust.js';
import { startDevelopmentTpm } from '../../../src/tpm/development-tpm.js';
import { findTpmFile } from '../../../src/tpm/tpm-file.js';
import { removeState, startDaemon } from '../../daemon/running-daemon.js';
import { useTpm } from '../../tpm/use-tpm.js';
import { writ } from '../command-line.js';
import { type CeremonyHome, killIn, makeCeremonyHome, tokenTable, transcriptOf } from './ceremony-home.js';

const simulator = '[tpm]\ndevelopment = true\npcrs = [0, 7]\nreference = true\n';

function trustOf(state: string) {
  return parseTrust(JSON.parse(readFileSync(join(state, 'trust.json'), 'utf8')));
}

function outcomesOf(text: string): Record<string, string> {
  const { steps } = JSON.parse(text) as { steps: readonly { step: string; outcome: string }[] };
  return Object.fromEntries(steps.map(({ step, outcome }) => [step, outcome]));
}

describe('a ceremony with a TPM', () => {
  let home: CeremonyHome;
  let plan: string;
  const run = (...words: string[]) => writ(words, { home: home.state, cwd: home.directory });
  before(() => {
    home = makeCeremonyHome();
    plan = home.plan(`origin = "test.example/tpm"\n${simulator}${tokenTable(home, 'token', 'main')}`);
  });
  after(() => home.remove());

  it('says what it would enrol, and starts nothing', async () => {
    const ended = await run('provision', '--plan', plan, '--dry-run', '--json');
    assert.equal(ended.exitCode, 0, ended.stderr);
    assert.equal(outcomesOf(ended.stdout).TPM, 'made');
    assert.match(ended.stdout, /simulator, which proves nothing.*key at 0x81025701.*PCR 0, 7/);
    assert.ok(!existsSync(home.state));
  });

  it('pins the TPM, describes it in the transcript, and has verifiers trust it', async () => {
    const ended = await run('provision', '--plan', plan, '--json');
    assert.equal(ended.exitCode, 0, ended.stderr);
    assert.equal(outcomesOf(ended.stdout).TPM, 'made');
    const pinned = findTpmFile(join(home.state, 'tpm.json'));
    const { tpm } = transcriptOf(home.state);
    assert.ok(pinned && tpm);
    assert.equal(tpm.attestationKey.name, pinned.attestationKey.name);
    assert.equal(tpmNameOf(base64Decode(tpm.attestationKey.publicArea)), pinned.attestationKey.name);
    assert.deepEqual(tpm.attestationKey.since, pinned.attestationKey.since);
    assert.ok(tpm.attestationKey.attributes.includes('restricted'));
    assert.equal(tpm.counter.name, pinned.counter.name);
    assert.equal(tpmNameOf(base64Decode(tpm.counter.publicArea)), pinned.counter.name);
    assert.equal(tpm.endorsement.certificate, null);
    assert.equal(tpm.development, true);
    const { attestation } = trustOf(home.state);
    assert.deepEqual(
      attestation?.keys.map(({ log, name, since }) => ({ log, name, since })),
      [{ log: 'test.example/tpm', name: pinned.attestationKey.name, since: pinned.attestationKey.since }],
    );
    assert.deepEqual(
      attestation?.pcrs,
      tpm.pcrs.map(({ index, value }) => ({ index, values: [value] })),
    );
    assert.deepEqual(
      attestation?.pcrs.map(({ index }) => index),
      [0, 7],
    );
  });

  it('verifies offline, and names what it cannot prove of the TPM', async () => {
    const ended = await run(
      'provision',
      'verify',
      join(home.state, 'provisioning', 'transcript.json'),
      '--json',
    );
    assert.equal(ended.exitCode, 0, ended.stdout);
    const open = JSON.parse(ended.stdout).unproven.map(({ what }: { what: string }) => what);
    assert.deepEqual(open.slice(-3), ['enrolment', 'maker', 'simulator']);
  });

  it('is denied under a bundle that trusts no TPM, or believes it since another boot', async () => {
    const trust = JSON.parse(readFileSync(join(home.state, 'trust.json'), 'utf8'));
    const transcript = join(home.state, 'provisioning', 'transcript.json');
    const [key] = trust.attestation.keys;
    const since = { ...key.since, resetCount: key.since.resetCount - 1 };
    for (const [attestation, reason] of [
      [null, 'the trust bundle does not hold this attestation key for the log test.example/tpm'],
      [
        { ...trust.attestation, keys: [{ ...key, since }] },
        'the trust bundle believes this attestation key since another boot',
      ],
    ]) {
      const path = join(home.directory, 'other.json');
      writeFileSync(path, JSON.stringify({ ...trust, attestation }));
      const ended = await run('provision', 'verify', transcript, '--trust', path, '--json');
      assert.equal(ended.exitCode, 1);
      assert.deepEqual(JSON.parse(ended.stdout).reasons, [reason]);
    }
  });

  it('can be run again: nothing is made twice, and the transcript says the same of the TPM', async () => {
    const before = transcriptOf(home.state).tpm;
    const ended = await run('provision', '--plan', plan, '--json');
    assert.equal(ended.exitCode, 0, ended.stderr);
    assert.deepEqual(transcriptOf(home.state).tpm, before);
  });

  it('gives a daemon a TPM whose quotes the bundle believes', async () => {
    const daemon = await startDaemon({ stateDirectory: home.state });
    try {
      const granted = join(home.directory, 'granted.json');
      const ended = await run('authorize', '--attest', 'fresh', '--output', granted, '--', '/bin/true');
      assert.equal(ended.exitCode, 0, ended.stderr);
      const artifact = JSON.parse(readFileSync(granted, 'utf8'));
      const statement = JSON.parse(Buffer.from(artifact.payload, 'base64').toString('utf8'));
      const bound = statement.predicate.environment.find(({ name }: { name: string }) => name === 'pcr');
      const quote = join(home.directory, 'quote.json');
      const proven = await run('log', 'prove', bound.quote, '--envelope', '-o', quote);
      assert.equal(proven.exitCode, 0, proven.stderr);
      const verified = await run(
        'verify',
        granted,
        '--quote',
        quote,
        '--trust',
        join(home.state, 'trust.json'),
      );
      assert.equal(verified.exitCode, 0, verified.stdout);
      assert.doesNotMatch(verified.stdout, /quote:|attestation-key:|reference-values:/);
    } finally {
      await daemon.stop();
      await removeState(join(home.state, 'writ.sock'));
    }
  });

  it('does not go on without the pinned key', async () => {
    const tpm = await startDevelopmentTpm(home.state);
    try {
      useTpm(tpm, (connection) => connection.removeKey(0x8102_5701));
    } finally {
      await tpm.close();
    }
    const ended = await run('provision', '--plan', plan);
    assert.equal(ended.exitCode, 3);
    assert.match(ended.stderr, /does not hold the pinned key at the handle 0x81025701/);
  });
});

describe('a ceremony beside a TPM that was used before', () => {
  let home: CeremonyHome;
  const run = (...words: string[]) => writ(words, { home: home.state, cwd: home.directory });
  before(async () => {
    home = makeCeremonyHome();
    const ended = await run('tpm', 'init', '--development', '--pcrs', '0,7');
    assert.equal(ended.exitCode, 0, ended.stderr);
  });
  after(() => home.remove());

  it('keeps what tpm.json pins, unless the plan wants another', async () => {
    const other = home.plan(`[tpm]\ndevelopment = true\npcrs = [0]\n${tokenTable(home, 'token', 'main')}`);
    const refused = await run('provision', '--plan', other, '--dry-run');
    assert.equal(refused.exitCode, 2);
    assert.match(refused.stderr, /with other settings than the plan/);
    const plan = home.plan(simulator + tokenTable(home, 'token', 'main'));
    const seen = await run('provision', '--plan', plan, '--dry-run', '--json');
    assert.equal(outcomesOf(seen.stdout).TPM, 'kept', seen.stderr);
  });

  it('takes over key and counter only where the plan says so', async () => {
    const before = findTpmFile(join(home.state, 'tpm.json'));
    rmSync(join(home.state, 'tpm.json'));
    const making = home.plan(simulator + tokenTable(home, 'token', 'main'));
    const refused = await run('provision', '--plan', making);
    assert.equal(refused.exitCode, 2);
    assert.match(refused.stderr, /holds a key at 0x81025701 and a counter at 0x01805701 already/);
    const absent = home.plan(
      `${simulator}action = "adopt"\nhandle = 0x81025703\n${tokenTable(home, 'token', 'main')}`,
    );
    const lacking = await run('provision', '--plan', absent);
    assert.equal(lacking.exitCode, 2);
    assert.match(lacking.stderr, /lacks a key at 0x81025703/);
    const adopting = home.plan(`${simulator}action = "adopt"\n${tokenTable(home, 'token', 'main')}`);
    const ended = await run('provision', '--plan', adopting, '--json');
    assert.equal(ended.exitCode, 0, ended.stderr);
    assert.equal(outcomesOf(ended.stdout).TPM, 'adopted');
    const pinned = findTpmFile(join(home.state, 'tpm.json'));
    assert.equal(pinned?.attestationKey.name, before?.attestationKey.name);
    // Adopted in a later boot than that in which it was made.
    assert.notDeepEqual(pinned?.attestationKey.since, before?.attestationKey.since);
  });
});

describe('a ceremony that is killed while it enrols', () => {
  for (const delayMs of [0, 100, 250, 500]) {
    it(`${delayMs} ms into the step is finished by the next run, with the one key that it made`, async () => {
      const home = makeCeremonyHome();
      try {
        const plan = home.plan(simulator + tokenTable(home, 'token', 'main'));
        await killIn(home, plan, 'TPM', delayMs);
        const ended = await writ(['provision', '--json'], { home: home.state, cwd: home.directory });
        assert.equal(ended.exitCode, 0, ended.stderr);
        assert.equal(outcomesOf(ended.stdout).TPM, 'made');
        const pinned = findTpmFile(join(home.state, 'tpm.json'));
        const { tpm } = transcriptOf(home.state);
        assert.equal(tpm?.attestationKey.name, pinned?.attestationKey.name);
        assert.equal(tpm?.counter.value, 1);
        assert.ok(!existsSync(join(home.state, 'tpm', 'swtpm.sock')), 'a simulator was left running');
        const path = join(home.state, 'provisioning', 'transcript.json');
        const verified = await writ(['provision', 'verify', path], { home: home.state });
        assert.equal(verified.exitCode, 0, verified.stdout);
      } finally {
        home.remove();
      }
    });
  }
});

describe('a ceremony that leaves the TPM out', () => {
  let home: CeremonyHome;
  before(() => {
    home = makeCeremonyHome();
  });
  after(() => home.remove());

  const forecast = async (tpm: string, ...flags: string[]) => {
    const plan = home.plan(tpm + tokenTable(home, 'token', 'main'));
    const ended = await writ(['provision', '--plan', plan, '--dry-run', '--json', ...flags], {
      home: home.state,
      cwd: home.directory,
    });
    assert.equal(ended.exitCode, 0, ended.stderr);
    return outcomesOf(ended.stdout).TPM;
  };

  it('by its plan', async () => assert.equal(await forecast('[tpm]\nenrol = false\n'), 'skipped'));
  it('by --no-tpm', async () => assert.equal(await forecast(simulator, '--no-tpm'), 'skipped'));
});
