/** The development token: made once, found again, finished when interrupted, never replaced. */

import assert from 'node:assert/strict';
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ensureDevelopmentToken } from '../../src/hsm/development-token.js';
import { HsmError, type HsmFaultCode } from '../../src/hsm/faults.js';
import { readKeysFile, writeKeysFile } from '../../src/hsm/keys-file.js';
import { initializeToken, listKeys, tokenStatus } from '../../src/hsm/token.js';
import { filePin, makeTemporaryDirectory, makeTokenHome, type TokenHome } from './token-home.js';

async function assertFault(work: Promise<unknown>, code: HsmFaultCode, message: string): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof HsmError);
    assert.equal(error.fault.code, code);
    assert.equal(error.fault.message, message);
    return true;
  });
}

describe('the development token', () => {
  let token: TokenHome;
  let spare: string;
  before(async () => {
    token = await makeTokenHome();
    spare = makeTemporaryDirectory();
  });
  after(() => {
    token.remove();
    rmSync(spare, { recursive: true });
  });

  it('lies behind permissions for its owner alone', () => {
    const mode = (...path: string[]) => statSync(join(token.home, ...path)).mode & 0o777;
    assert.equal(mode('softhsm2', 'user.pin'), 0o600);
    assert.equal(mode('softhsm2', 'so.pin'), 0o600);
    assert.equal(mode('softhsm2'), 0o700);
    assert.equal(mode('softhsm2', 'tokens'), 0o700);
    const [userPin, soPin] = ['user.pin', 'so.pin'].map((name) =>
      readFileSync(join(token.home, 'softhsm2', name), 'utf8'),
    );
    assert.match(`${userPin}${soPin}`, /^[0-9a-f]{32}\n[0-9a-f]{32}\n$/);
    assert.notEqual(userPin, soPin);
  });

  it('is pinned in keys.json, by two different keys', async () => {
    const pinned = readKeysFile(join(token.home, 'keys.json'));
    assert.deepEqual(pinned, token.pinned);
    const listed = (await listKeys(pinned)).map(({ id, publicKey }) => ({ id, publicKey }));
    assert.equal(listed.length, 2);
    assert.notEqual(pinned.keys.log.id, pinned.keys.artifact.id);
    for (const key of Object.values(pinned.keys))
      assert.deepEqual(
        listed.find(({ id }) => id === key.id),
        key,
      );
  });

  it('is found again without loading any module', async () => {
    // A module that does not exist would be missed by whoever tried to load it.
    writeKeysFile(join(token.home, 'keys.json'), { ...token.pinned, modulePath: '/nonexistent/module.so' });
    const again = await ensureDevelopmentToken(token.home, { WRIT_PKCS11_MODULE: '/nonexistent/module.so' });
    assert.equal(again.outcome, 'present');
    assert.deepEqual(again.pinned.keys, token.pinned.keys);
    writeKeysFile(join(token.home, 'keys.json'), token.pinned);
  });

  it('can be moved with its state directory', async () => {
    const moved = join(spare, 'moved home');
    renameSync(token.home, moved);
    const again = await ensureDevelopmentToken(moved, process.env);
    assert.equal(again.outcome, 'present');
    assert.equal((await listKeys(again.pinned)).length, 2);
    renameSync(moved, token.home);
    assert.equal((await ensureDevelopmentToken(token.home, process.env)).outcome, 'present');
    assert.equal((await listKeys(token.pinned)).length, 2);
  });

  it('keeps its keys when only the last step was missing', async () => {
    rmSync(join(token.home, 'keys.json'));
    const again = await ensureDevelopmentToken(token.home, process.env);
    assert.equal(again.outcome, 'made');
    assert.deepEqual(again.pinned, token.pinned);
  });

  it('is not replaced when its files are gone while keys.json pins its keys', async () => {
    const home = join(spare, 'emptied');
    cpSync(token.home, home, { recursive: true });
    const tokens = join(home, 'softhsm2', 'tokens');
    rmSync(tokens, { recursive: true });
    const message = `${join(home, 'keys.json')} pins keys of a token whose files are gone from ${tokens}`;
    await assertFault(ensureDevelopmentToken(home, process.env), 'token-missing', message);
    assert.ok(!readdirSync(join(home, 'softhsm2')).includes('tokens'));
  });

  it('names a module that is not there', async () => {
    const home = join(spare, 'no-module');
    const environment = { WRIT_PKCS11_MODULE: '/nonexistent/module.so' };
    const message = 'there is no PKCS#11 module at /nonexistent/module.so';
    await assertFault(ensureDevelopmentToken(home, environment), 'module-missing', message);
  });

  it('does not lie where SoftHSM2 could not be told of it', async () => {
    const tokens = join(spare, 'a#b', 'softhsm2', 'tokens');
    const message = `SoftHSM2 cannot be told of the directory ${JSON.stringify(tokens)}`;
    await assertFault(ensureDevelopmentToken(join(spare, 'a#b'), process.env), 'unfit-path', message);
  });
});

describe('a set-up that was interrupted', () => {
  let home: string;
  before(() => {
    home = makeTemporaryDirectory();
  });
  after(() => rmSync(home, { recursive: true }));

  it('is finished with the token, the PINs and the keys that exist', async () => {
    const made = await ensureDevelopmentToken(home, process.env);
    const { token } = made.pinned;
    const pinFile = join(home, 'softhsm2', 'user.pin');
    const pin = readFileSync(pinFile, 'utf8');

    // Back to the moment after the PIN files, then to the one between C_InitToken and C_InitPIN.
    rmSync(join(home, 'keys.json'));
    rmSync(join(home, 'softhsm2', 'tokens'), { recursive: true });
    mkdirSync(join(home, 'softhsm2', 'tokens'));
    const soPinFile = join(home, 'softhsm2', 'so.pin');
    const shortPin = join(home, 'short.pin');
    // SoftHSM2 takes no PIN shorter than four characters, so this initializes the token and leaves it without a PIN.
    writeFileSync(shortPin, '12\n', { mode: 0o600 });
    const { modulePath, softhsmConf } = made.pinned;
    const pins = { soPin: filePin(soPinFile), userPin: filePin(shortPin) };
    const request = { modulePath, softhsmConf, label: token.label, ...pins };
    const unfit = `the token "${token.label}" does not accept a PIN of this length or form`;
    await assertFault(initializeToken(request), 'pin-unfit', unfit);
    const [halfMade] = (await tokenStatus(made.pinned)).filter(({ label }) => label === token.label);
    assert.equal(halfMade?.userPin, 'not-set');

    const finished = await ensureDevelopmentToken(home, process.env);
    assert.equal(finished.outcome, 'made');
    assert.equal(finished.pinned.token.serial, halfMade?.serial);
    assert.equal(readFileSync(pinFile, 'utf8'), pin);
    assert.equal((await listKeys(finished.pinned)).length, 2);
  });
});
