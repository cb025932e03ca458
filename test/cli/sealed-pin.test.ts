/** `writ pin`: a PIN on a real token moves into a real TPM (swtpm), opens in approved states, and in no other. */

import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { HsmError } from '../../src/hsm/faults.js';
import { readKeysFile, writeKeysFile } from '../../src/hsm/keys-file.js';
import { openSigner } from '../../src/hsm/process-signer.js';
import { readSealedPin } from '../../src/hsm/sealed-pin.js';
import { listKeys } from '../../src/hsm/token.js';
import { unsealSecret } from '../../src/kernel/sealed-secret.js';
import { type Secret, withSecret } from '../../src/kernel/secret.js';
import { writeTpmFile } from '../../src/tpm/tpm-file.js';
import { findInMemory } from '../hsm/process-memory.js';
import { filePin, makeTokenHome, signerConfig, type TokenHome, treeHead } from '../hsm/token-home.js';
import { enrol } from '../tpm/enrolled-swtpm.js';
import { type Swtpm, startSwtpm } from '../tpm/swtpm-home.js';
import { tpm2Tool } from '../tpm/tpm2-tool.js';
import { writ } from './command-line.js';

const isRoot = process.geteuid?.() === 0;

describe('a sealed PIN', () => {
  let token: TokenHome;
  let machine: Swtpm;
  let authority: string;
  let sealed: string;
  let pin: Buffer;
  before(async () => {
    token = await makeTokenHome();
    machine = await startSwtpm();
    writeTpmFile(join(token.home, 'tpm.json'), enrol(machine));
    authority = join(token.home, 'authority.pem');
    sealed = join(token.home, 'pin.sealed');
    pin = readFileSync(token.userPinFile).subarray(0, 32);
  });
  after(async () => {
    await machine.close();
    token.remove();
  });

  const run = (...words: string[]) => writ(words, { home: token.home });
  const pinned = () => readKeysFile(join(token.home, 'keys.json'));
  const updateFirmware = () => tpm2Tool(machine, 'pcrextend', `7:sha256=${'a5'.repeat(32)}`);
  /** What the login says; null when it works. */
  const refusal = async (): Promise<string | null> => {
    const outcome = await listKeys(pinned()).catch((error: unknown) => error);
    if (Array.isArray(outcome)) return null;
    assert.ok(outcome instanceof HsmError);
    assert.equal(outcome.fault.code, 'pin-sealed');
    return outcome.fault.message;
  };

  it('is not put in place when the token refuses it', async () => {
    const wrong = join(token.home, 'wrong.pin');
    writeFileSync(wrong, 'not-the-pin\n', { mode: 0o600 });
    const before = pinned();
    writeKeysFile(join(token.home, 'keys.json'), { ...before, pin: filePin(wrong) });
    const { exitCode, stderr } = await run('pin', 'seal', '--authority', authority);
    assert.equal(exitCode, 3, stderr);
    assert.match(stderr, /refuses the PIN sealed in/);
    for (const left of [sealed, `${sealed}.new`, `${sealed}.new.refused`]) assert.ok(!existsSync(left), left);
    assert.deepEqual(pinned().pin, filePin(wrong));
    writeKeysFile(join(token.home, 'keys.json'), before);
  });

  it('takes the place of the file, which can go', async () => {
    const { exitCode, stdout, stderr } = await run('pin', 'seal', '--authority', authority);
    assert.equal(exitCode, 0, stderr);
    assert.match(stdout, /the PIN is sealed, and the token has accepted it from there/);
    assert.match(stderr, /shred -u .*user\.pin/);
    assert.equal(statSync(authority).mode & 0o777, 0o600);
    assert.deepEqual(pinned().pin, { type: 'tpm', path: sealed });
    assert.ok(!readFileSync(sealed).includes(pin));
    rmSync(token.userPinFile);
    assert.equal(await refusal(), null);
  });

  it('opens the token for the signer, and leaves nothing there', async () => {
    const signer = await openSigner(signerConfig(pinned()));
    assert.equal((await signer.signCheckpoint(treeHead(1))).outcome, 'signed');
    if (isRoot) assert.deepEqual(findInMemory(signer.pid ?? 0, [pin.subarray(0, 16), pin.subarray(16)]), []);
    await signer.close();
  });

  it('is of no use with one part of its file changed', async () => {
    const text = readFileSync(sealed, 'utf8');
    const flip = (digit: string) => (digit === '0' ? '1' : '0');
    const changes: readonly [what: string, change: (text: string) => string][] = [
      ['pcrDigest', (file) => file.replace(/("pcrDigest": ")(.)/, (_, name, digit) => name + flip(digit))],
      ['signature', (file) => file.replace(/("signature": ")(.)/, (_, name, digit) => name + flip(digit))],
      ['policyRef', (file) => file.replace(/("policyRef": ")(.)/, (_, name, digit) => name + flip(digit))],
      [
        'highestVersion',
        (file) =>
          file.replace(/("highestVersion": )(\d+)/, (_, name, version) => name + (Number(version) + 1)),
      ],
      ['pcrs', (file) => file.replace(/"pcrs": \[\s*7\s*\]/, '"pcrs": [6]')],
      [
        'parentName',
        (file) => file.replace(/("parentName": "000b)(.)/, (_, name, digit) => name + flip(digit)),
      ],
    ];
    const wipe = (secret: Secret) => withSecret(secret, () => 'opened');
    for (const [what, change] of changes) {
      const changed = change(text);
      assert.notEqual(changed, text, what);
      writeFileSync(sealed, changed);
      assert.throws(() => wipe(unsealSecret(readSealedPin(sealed))), /^Error: TPM_(POLICY|FOREIGN)/, what);
    }
    writeFileSync(sealed, text);
    assert.equal(wipe(unsealSecret(readSealedPin(sealed))), 'opened');
  });

  it('stays closed after an update until its state is approved', async () => {
    copyFileSync(sealed, `${sealed}.before`);
    updateFirmware();
    assert.match((await refusal()) ?? '', /TPM_POLICY: the PCRs hold other values than the policy demands/);
    const stranger = await run('pin', 'reseal', '--authority', token.soPinFile);
    assert.equal(stranger.exitCode, 2);
    assert.match(stranger.stderr, /holds no private key in PEM/);
    assert.match((await refusal()) ?? '', /TPM_POLICY/);
    const { exitCode, stdout, stderr } = await run('pin', 'reseal', '--authority', authority);
    assert.equal(exitCode, 0, stderr);
    assert.match(stdout, /every earlier approval has ended/);
    assert.equal(await refusal(), null);
  });

  it('opens no more in a state whose approval has ended', async () => {
    await machine.reboot();
    // The machine is as it was before the update, and so is the file.
    copyFileSync(`${sealed}.before`, sealed);
    assert.match((await refusal()) ?? '', /the approval is of an older version than the counter allows/);
    const { exitCode, stderr } = await run('pin', 'reseal', '--authority', authority);
    assert.equal(exitCode, 0, stderr);
    assert.equal(await refusal(), null);
  });

  it('is of no use to another machine', async () => {
    const other = await startSwtpm();
    const text = readFileSync(sealed, 'utf8');
    writeFileSync(sealed, text.replace(/"tcti": "[^"]*"/, `"tcti": "${other.tcti}"`));
    assert.match((await refusal()) ?? '', /TPM_FOREIGN/);
    writeFileSync(sealed, text);
    await other.close();
  });

  it('is missed, and not waited for, when the TPM is gone', async () => {
    await machine.cutPower();
    assert.match((await refusal()) ?? '', /TPM_GONE/);
    await machine.powerOn();
    assert.equal(await refusal(), null);
  });

  it('gives way to another source that works, and to no other', async () => {
    writeFileSync(token.userPinFile, 'not-the-pin\n', { mode: 0o600 });
    const wrong = await run('pin', 'use', '--file', token.userPinFile);
    assert.equal(wrong.exitCode, 3);
    assert.equal(pinned().pin.type, 'tpm');
    writeFileSync(token.userPinFile, pin);
    const right = await run('pin', 'use', '--file', token.userPinFile, '--json');
    assert.equal(right.exitCode, 0, right.stderr);
    assert.deepEqual(JSON.parse(right.stdout), { source: 'file', proof: 'login' });
    assert.deepEqual(pinned().pin, filePin(token.userPinFile));
    const credential = await run('pin', 'use', '--credential', 'writ-pin');
    assert.match(credential.stdout, /whether that is right shows when the service starts/);
    assert.equal((await run('pin', 'use', '--prompt', '--file', 'x')).exitCode, 2);
    assert.equal((await run('pin', 'use')).exitCode, 2);
    const unsealed = await run('pin', 'reseal', '--authority', authority);
    assert.equal(unsealed.exitCode, 2);
    assert.match(unsealed.stderr, /the PIN is not sealed/);
  });

  it('is asked for by name, and where there is no TPM it is said', async () => {
    rmSync(join(token.home, 'tpm.json'));
    const { exitCode, stderr } = await run('pin', 'seal', '--authority', authority);
    assert.equal(exitCode, 3);
    assert.match(stderr, /no TPM is enrolled: .*tpm\.json does not exist/);
    const moving = await run('pin', 'seal', '--authority', authority, '--pcrs', '7,10');
    assert.equal(moving.exitCode, 2);
  });
});
