/**
 * Logging in never locks a token: on a real one, a refused PIN is presented once. SoftHSM2 never locks, so the flags
 * of a token that would are simulated.
 */

import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { TokenFlag } from 'graphene-pk11';
import { HsmError, type HsmFaultCode } from '../../../src/hsm/faults.js';
import { pinObstacle } from '../../../src/hsm/pkcs11/login.js';
import { openSigner } from '../../../src/hsm/process-signer.js';
import { listKeys, tokenStatus } from '../../../src/hsm/token.js';
import type { TokenAccess } from '../../../src/hsm/token-access.js';
import { filePin, makeTokenHome, signerConfig, type TokenHome } from '../token-home.js';

const wrongPin = 'not-the-pin-of-this-token';

async function faultOfLogin(access: TokenAccess): Promise<{ code: HsmFaultCode; message: string }> {
  const outcome = await listKeys(access).catch((error: unknown) => error);
  assert.ok(outcome instanceof HsmError, 'the login succeeded');
  assert.ok(!outcome.message.includes(wrongPin));
  assert.ok(!`${outcome.stack}`.includes(wrongPin));
  return outcome.fault;
}

describe('a wrong PIN', () => {
  let token: TokenHome;
  let access: TokenAccess;
  let pinFile: string;
  let name: string;
  before(async () => {
    token = await makeTokenHome();
    pinFile = join(token.home, 'wrong.pin');
    access = { ...token.pinned, pin: filePin(pinFile) };
    name = `the token "writ development" (serial ${token.pinned.token.serial})`;
    writeFileSync(pinFile, `${wrongPin}\n`, { mode: 0o600 });
  });
  after(() => token.remove());

  const userPin = async () =>
    (await tokenStatus(token.pinned)).find(({ serial }) => serial === token.pinned.token.serial)?.userPin;

  it('is tried once, and not again by any later process', async () => {
    assert.equal(await userPin(), 'ready');
    const first = await faultOfLogin(access);
    assert.equal(first.code, 'pin-wrong');
    assert.equal(first.message, `${name} refuses the PIN in ${pinFile}`);
    assert.equal(await userPin(), 'refused-once');

    // A login clears the token's flag, so a second wrong try would set it again.
    await listKeys(token.pinned);
    assert.equal(await userPin(), 'ready');
    const second = await faultOfLogin(access);
    assert.equal(second.code, 'pin-refused');
    assert.equal(second.message, `${name} has already refused the PIN in ${pinFile}`);
    const { keys: _, ...wrongAccess } = { ...token.pinned, ...access };
    await assert.rejects(
      openSigner({ ...signerConfig(token.pinned), ...wrongAccess }),
      (error) => error instanceof HsmError && error.fault.code === 'pin-refused',
    );
    assert.equal(await userPin(), 'ready');
  });

  it('is forgotten when the file changes', async () => {
    copyFileSync(token.userPinFile, pinFile);
    utimesSync(pinFile, 1, 1);
    assert.equal((await listKeys(access)).length, 2);
    assert.ok(!existsSync(`${pinFile}.refused`));
  });

  it('leaves nothing of itself behind', async () => {
    writeFileSync(pinFile, `${wrongPin}\n`);
    assert.equal((await faultOfLogin(access)).code, 'pin-wrong');
    const memory = readFileSync(`${pinFile}.refused`, 'utf8');
    assert.match(memory, new RegExp(`^${token.pinned.token.serial} \\d+ \\d+ \\d+\n$`));
    assert.ok(!memory.includes(wrongPin));
  });
});

describe('the flags of a token (simulated)', () => {
  it('stop a login before the try that would lock the PIN', () => {
    assert.equal(pinObstacle(TokenFlag.USER_PIN_COUNT_LOW, 'user'), null);
    assert.equal(pinObstacle(TokenFlag.USER_PIN_FINAL_TRY, 'user'), 'pin-last-try');
    assert.equal(pinObstacle(TokenFlag.USER_PIN_LOCKED | TokenFlag.USER_PIN_FINAL_TRY, 'user'), 'pin-locked');
    assert.equal(pinObstacle(TokenFlag.USER_PIN_LOCKED, 'so'), null);
    assert.equal(pinObstacle(TokenFlag.SO_PIN_FINAL_TRY, 'so'), 'pin-last-try');
    assert.equal(pinObstacle(TokenFlag.SO_PIN_LOCKED, 'so'), 'pin-locked');
  });
});
