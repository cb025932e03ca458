/** Setting up tokens and keys on a real SoftHSM2, and every sentence when it cannot be done. */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { exposureOf, type KeyProtection } from '../../src/format/key-protection.js';
import { HsmError, type HsmFaultCode } from '../../src/hsm/faults.js';
import type { PinSource } from '../../src/hsm/pin-source.js';
import { findSofthsmModule, softhsmConfiguration } from '../../src/hsm/softhsm.js';
import {
  generateRoleKey,
  initializeToken,
  listKeys,
  setUpToken,
  showKey,
  tokenStatus,
} from '../../src/hsm/token.js';
import type { ModuleLocation, TokenAccess } from '../../src/hsm/token-access.js';
import { filePin, makeTemporaryDirectory } from './token-home.js';

const pins = { user: 'user-pin-of-a-test', so: 'so-pin-of-a-test' };

/** A SoftHSM2 without tokens, below `directory`, and files with PINs. */
function blankModule(directory: string): ModuleLocation & { soPin: PinSource; userPin: PinSource } {
  const tokens = join(directory, 'tokens');
  mkdirSync(tokens, { recursive: true });
  const softhsmConf = join(directory, 'softhsm2.conf');
  writeFileSync(softhsmConf, softhsmConfiguration(tokens));
  const [soPinFile, userPinFile] = [join(directory, 'so.pin'), join(directory, 'user.pin')];
  writeFileSync(soPinFile, `${pins.so}\n`, { mode: 0o600 });
  writeFileSync(userPinFile, `${pins.user}\n`, { mode: 0o600 });
  return {
    modulePath: findSofthsmModule(process.env),
    softhsmConf,
    soPin: filePin(soPinFile),
    userPin: filePin(userPinFile),
  };
}

async function assertFault(
  work: Promise<unknown>,
  code: HsmFaultCode,
  message: string | RegExp,
): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof HsmError);
    assert.equal(error.fault.code, code);
    if (typeof message === 'string') assert.equal(error.fault.message, message);
    else assert.match(error.fault.message, message);
    for (const pin of Object.values(pins)) assert.ok(!error.message.includes(pin));
    return true;
  });
}

describe('a token', () => {
  let directory: string;
  let access: TokenAccess;
  let module: ReturnType<typeof blankModule>;
  before(() => {
    directory = makeTemporaryDirectory();
    module = blankModule(directory);
    access = { ...module, token: { label: 'first' }, pin: module.userPin };
  });
  after(() => rmSync(directory, { recursive: true }));

  it('is blank at first', async () => {
    const [blank, ...others] = await tokenStatus(module);
    assert.equal(others.length, 0);
    assert.equal(blank?.state, 'blank');
    assert.equal(blank?.userPin, 'not-set');
    assert.equal(blank?.ed25519, 'supported');
  });

  it('is missing as long as nobody initialized it', async () => {
    await assertFault(listKeys(access), 'token-missing', `the token "first" is not in ${module.modulePath}`);
  });

  it('is initialized with a label, and answers to label and serial', async () => {
    const identity = await initializeToken({ ...module, label: 'first' });
    assert.equal(identity.label, 'first');
    const status = (await tokenStatus(module)).find(({ label }) => label === 'first');
    assert.equal(status?.serial, identity.serial);
    assert.equal(status?.state, 'initialized');
    assert.equal(status?.userPin, 'ready');
    assert.deepEqual(await listKeys({ ...access, token: { serial: identity.serial } }), []);
  });

  it('is not initialized twice', async () => {
    await assertFault(
      initializeToken({ ...module, label: 'first' }),
      'token-exists',
      'the token "first" exists and is in use',
    );
  });

  it('generates each key once, protected, and shows it by id', async () => {
    const log = await generateRoleKey(access, 'log');
    assert.equal(log.label, 'writ log key');
    assert.equal(log.publicKey?.length, 32);
    const protection: KeyProtection = {
      sensitive: true,
      extractable: false,
      alwaysSensitive: true,
      neverExtractable: true,
      private: true,
      token: true,
      sign: true,
      local: true,
    };
    assert.deepEqual(log.protection, protection);
    assert.deepEqual(await showKey(access, log.id), log);
    await assertFault(
      generateRoleKey(access, 'log'),
      'key-exists',
      'the token "first" already holds a key labelled "writ log key"',
    );
    await assertFault(
      showKey(access, 'ff'),
      'key-missing',
      'the token "first" holds no private key with id ff',
    );
  });

  it('is set up from where it is: with the key that it has, and the one that it lacks', async () => {
    const [present] = await listKeys(access);
    const request = { ...module, label: 'first', soPin: null };
    const pinned = await setUpToken(request);
    assert.equal(pinned.keys.log.id, present?.id);
    assert.equal((await listKeys(access)).length, 2);
    assert.deepEqual(await setUpToken(request), pinned);
  });

  it("is not initialized without the security officer's PIN", async () => {
    await assertFault(
      setUpToken({ ...module, label: 'second', soPin: null }),
      'pin-file',
      'the token "second" is not there, and to initialize it takes a security officer\'s PIN',
    );
  });

  it('is ambiguous by a label that two bear', async () => {
    const env = { ...process.env, SOFTHSM2_CONF: module.softhsmConf ?? '' };
    // Writ would not make the second one, so another tool does; these PINs are secrets to nobody.
    const initialize = '--init-token --free --label twin --so-pin 1234 --pin 1234'.split(' ');
    execFileSync('softhsm2-util', initialize, { env });
    execFileSync('softhsm2-util', initialize, { env });
    await assertFault(
      listKeys({ ...access, token: { label: 'twin' } }),
      'token-ambiguous',
      `the token "twin" exists 2 times in ${module.modulePath}`,
    );
    await assertFault(
      setUpToken({ ...module, label: 'twin' }),
      'token-ambiguous',
      `the token "twin" exists 2 times in ${module.modulePath}`,
    );
  });
});

describe('a module', () => {
  let directory: string;
  before(() => {
    directory = makeTemporaryDirectory();
  });
  after(() => rmSync(directory, { recursive: true }));

  it('that is not there is named', async () => {
    const modulePath = join(directory, 'none.so');
    await assertFault(
      tokenStatus({ modulePath, softhsmConf: null }),
      'module-missing',
      `there is no PKCS#11 module at ${modulePath}`,
    );
  });

  it('that is none is named with the reason', async () => {
    const modulePath = join(directory, 'text.so');
    writeFileSync(modulePath, 'not a library');
    await assertFault(
      tokenStatus({ modulePath, softhsmConf: null }),
      'module-unusable',
      /text\.so cannot be loaded: .*text\.so: /,
    );
  });

  it('whose own configuration is missing is named with its answer', async () => {
    const modulePath = findSofthsmModule(process.env);
    await assertFault(
      tokenStatus({ modulePath, softhsmConf: join(directory, 'none.conf') }),
      'module-unusable',
      `${modulePath} does not initialize: CKR_GENERAL_ERROR`,
    );
  });
});

describe('a token without room', () => {
  let directory: string;
  let mounted = false;
  before(() => {
    directory = makeTemporaryDirectory();
    mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', directory]).status === 0;
  });
  after(() => {
    if (mounted) execFileSync('umount', [directory]);
    rmSync(directory, { recursive: true });
  });

  it('says that its disk is full, and takes the key once there is room', async (test) => {
    if (!mounted) {
      test.skip('a small disk cannot be mounted here (that takes root)');
      return;
    }
    const module = blankModule(directory);
    await initializeToken({ ...module, label: 'small' });
    const filling = join(directory, 'filling');
    fill(filling);
    const access: TokenAccess = { ...module, token: { label: 'small' }, pin: module.userPin };
    await assertFault(generateRoleKey(access, 'log'), 'token-full', 'the disk of the token "small" is full');
    rmSync(filling);
    assert.equal((await generateRoleKey(access, 'log')).label, 'writ log key');
    assert.equal((await listKeys(access)).length, 1);
  });
});

function fill(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (;;) writeSync(file, new Uint8Array(4096));
  } catch (cause) {
    assert.ok(cause instanceof Error && 'code' in cause);
    assert.equal(cause.code, 'ENOSPC');
  } finally {
    closeSync(file);
  }
}

describe('the protection of a key', () => {
  const protectedKey: KeyProtection = {
    sensitive: true,
    extractable: false,
    alwaysSensitive: true,
    neverExtractable: true,
    private: true,
    token: true,
    sign: true,
    local: true,
  };
  const exposed: readonly [change: Partial<KeyProtection>, exposure: string][] = [
    [{ extractable: true }, 'can be extracted'],
    [{ sensitive: false }, 'can be read in the clear'],
    [{ neverExtractable: false }, 'could once be extracted'],
    [{ alwaysSensitive: false }, 'could once be read in the clear'],
    [{ private: false }, 'can be used without a login'],
    [{ token: false }, 'vanishes with the session'],
    [{ sign: false }, 'may not sign'],
    [{ local: false }, 'was not generated on the token'],
  ];
  it('holds when every attribute says so, or the token keeps no history', () => {
    assert.equal(exposureOf(protectedKey), null);
    assert.equal(
      exposureOf({ ...protectedKey, alwaysSensitive: null, neverExtractable: null, local: null }),
      null,
    );
  });
  for (const [change, exposure] of exposed) {
    it(`is broken by a key that ${exposure}`, () =>
      assert.equal(exposureOf({ ...protectedKey, ...change }), exposure));
  }
});
