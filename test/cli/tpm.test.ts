/** `writ tpm init` and `writ tpm status` on a real simulator, as a person would run them. */

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { checkTpm } from '../../src/cli/doctor/tpm.js';
import { openTpm } from '../../src/tpm/addon.js';
import { startDevelopmentTpm } from '../../src/tpm/development-tpm.js';
import { findTpmFile } from '../../src/tpm/tpm-file.js';
import { prepareState, removeState, startDaemon } from '../daemon/running-daemon.js';
import { type Ended, writ } from './command-line.js';
import { deploymentAt, textOf } from './doctor/examined.js';

let root: string;
before(() => {
  root = mkdtempSync(join(tmpdir(), 'writ-cli-tpm-'));
});
after(() => rmSync(root, { recursive: true }));

const newHome = () => mkdtempSync(join(root, 'home-'));

/** Runs `writ tpm ... --json` and reads the one document that comes out. */
async function tpmJson(home: string, ...words: readonly string[]) {
  const ended = await writ(['tpm', ...words, '--json'], { home });
  return { exitCode: ended.exitCode, document: JSON.parse(ended.stdout || ended.stderr) };
}

function refusal({ exitCode, stdout, stderr }: Ended): readonly [number | null, string] {
  assert.equal(stdout, '');
  return [exitCode, stderr];
}

describe('writ tpm', () => {
  it('enrols a simulator once, and leaves nothing running', async () => {
    const home = newHome();
    const first = await tpmJson(home, 'init', '--development', '--pcrs', '7,0');
    assert.equal(first.exitCode, 0);
    assert.equal(first.document.outcome, 'made');
    assert.deepEqual(first.document.pcrs, [0, 7]);
    assert.equal(first.document.report.manufacturer, 'IBM');
    assert.equal(first.document.report.counter.value, 1);
    const pinned = findTpmFile(join(home, 'tpm.json'));
    assert.equal(pinned?.development, true);
    assert.equal(pinned?.attestationKey.name, first.document.attestationKey.name);
    assert.ok(!existsSync(join(home, 'tpm', 'swtpm.sock')));

    const second = await tpmJson(home, 'init', '--development');
    assert.equal(second.exitCode, 0);
    assert.equal(second.document.outcome, 'present');
    assert.deepEqual(second.document.attestationKey, first.document.attestationKey);
  });

  it('never overwrites an enrolment', async () => {
    const home = newHome();
    await writ(['tpm', 'init', '--development'], { home });
    const before = readFileSync(join(home, 'tpm.json'), 'utf8');
    for (const words of [
      ['--development', '--pcrs', '0'],
      ['--development', '--handle', '0x81000001'],
      ['--device', '/dev/tpmrm0'],
    ]) {
      const [exitCode, message] = refusal(await writ(['tpm', 'init', ...words], { home }));
      assert.equal(exitCode, 3);
      assert.match(message, /pins the TPM at swtpm:path=.* already, with other settings/);
    }
    assert.equal(readFileSync(join(home, 'tpm.json'), 'utf8'), before);
  });

  it('shows the enrolled TPM while it runs, and says so when it does not', async () => {
    const home = newHome();
    await writ(['tpm', 'init', '--development'], { home });
    const down = await tpmJson(home, 'status');
    assert.equal(down.exitCode, 3);
    assert.equal(down.document.standing, 'unknown');
    assert.equal(down.document.fault.code, 'tpm-gone');
    assert.equal(down.document.daemon, null);
    const text = await writ(['tpm', 'status'], { home });
    assert.match(text.stdout, /no daemon answers either; a simulator runs with its daemon only/);

    const simulator = await startDevelopmentTpm(home);
    try {
      const up = await tpmJson(home, 'status');
      assert.equal(up.exitCode, 0);
      assert.equal(up.document.standing, 'match');
      assert.equal(up.document.counterValue, 1);
      assert.equal(up.document.tpm.lockout.isLocked, false);

      const handle = Number(up.document.enrolled.attestationKey.handle);
      const tpm = openTpm(simulator.tcti);
      tpm.removeKey(handle);
      tpm.close();
      const cleared = await tpmJson(home, 'status');
      assert.deepEqual([cleared.exitCode, cleared.document.standing], [3, 'key-missing']);
    } finally {
      await simulator.close();
    }
  });

  it('shows what the daemon does with it, and exports its key to relying parties', async () => {
    const home = await prepareState();
    try {
      await writ(['tpm', 'init', '--development'], { home });
      const daemon = await startDaemon({ stateDirectory: home });
      try {
        const { exitCode, document } = await tpmJson(home, 'status');
        assert.equal(exitCode, 0);
        const { tpm, troubles } = document.daemon;
        assert.deepEqual([tpm.state, troubles], ['ready', []]);
        assert.equal(tpm.key, document.enrolled.attestationKey.name);
        assert.ok(tpm.quote.index > 0 && tpm.anchor.writesLeft > 0);
        const text = await writ(['tpm', 'status'], { home });
        assert.match(text.stdout, /the daemon says\n[\s\S]* quote +\d+ s old, log index \d+\n +anchor /);
        assert.match(textOf(await checkTpm(await deploymentAt(home)), 'ok'), /^the daemon works with it: /);

        const exported = await writ(['trust', 'export', '--json'], { home });
        const { attestation } = JSON.parse(exported.stdout);
        const pinned = findTpmFile(join(home, 'tpm.json'))?.attestationKey;
        assert.deepEqual(
          [attestation.keys[0].name, attestation.keys[0].since],
          [pinned?.name, pinned?.since],
        );
      } finally {
        assert.equal(await daemon.stop(), 0);
      }
    } finally {
      await removeState(home);
    }
  });

  it('says plainly that there is none', async () => {
    const home = newHome();
    const { exitCode, stdout } = await writ(['tpm', 'status'], { home });
    assert.equal(exitCode, 3);
    assert.match(stdout, /^tpm: unavailable\. None is enrolled/);
    assert.deepEqual((await tpmJson(home, 'status')).document, { enrolled: null });
  });

  it('enrols nothing where there is nothing to enrol', async () => {
    const home = newHome();
    const absent = await tpmJson(home, 'init', '--device', join(home, 'no-such-device'));
    assert.deepEqual([absent.exitCode, absent.document.error.code], [3, 'tpm-gone']);
    const without = await writ(['tpm', 'init', '--development', '--json'], {
      home,
      environment: { PATH: home },
    });
    assert.equal(without.exitCode, 3);
    assert.equal(JSON.parse(without.stdout).error.code, 'swtpm-missing');
    assert.ok(!existsSync(join(home, 'tpm.json')));
  });

  const misuses: readonly [what: string, words: readonly string[], message: RegExp][] = [
    ['without a choice', [], /choose --development, or name the TPM by --device/],
    ['with two choices', ['--development', '--device', '/dev/tpmrm0'], /choose --development/],
    ['with the PCR that the kernel extends', ['--development', '--pcrs', '0,10'], /PCR 10 cannot be quoted/],
    ['with a PCR that no TPM has', ['--development', '--pcrs', '24'], /PCRs go from 0 to 23/],
    ['with no list of PCRs', ['--development', '--pcrs', 'all'], /Numbers with commas/],
    [
      'with a handle of the platform',
      ['--development', '--handle', '0x81800000'],
      /0x81000000 to 0x817fffff/,
    ],
    ['with an index of the maker', ['--development', '--counter', '0x01c0000a'], /0x01800000 to 0x01bfffff/],
  ];
  for (const [what, words, message] of misuses) {
    it(`is not used ${what}`, async () => {
      const home = newHome();
      const [exitCode, text] = refusal(await writ(['tpm', 'init', ...words], { home }));
      assert.equal(exitCode, 2);
      assert.match(text, message);
      assert.ok(!existsSync(join(home, 'tpm.json')));
    });
  }
});
