import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { checkToken, judgeKeys, judgeToken } from '../../../src/cli/doctor/token.js';
import type { KeyDescription } from '../../../src/hsm/key-description.js';
import { writeKeysFile } from '../../../src/hsm/keys-file.js';
import type { TokenStatus } from '../../../src/hsm/provisioning/protocol.js';
import { tokenStatus } from '../../../src/hsm/token.js';
import { lockFile } from '../../../src/kernel/file-lock.js';
import { makeTokenHome, type TokenHome } from '../../hsm/token-home.js';
import { deploymentAt, outcomesOf, textOf } from './examined.js';

const asRoot = process.geteuid?.() === 0 ? {} : { skip: 'only root can give files away' };

let token: TokenHome;
const keysFile = () => join(token.home, 'keys.json');
const pinFile = () => join(token.home, 'softhsm2', 'user.pin');

/** The right PIN gives way to a wrong one; the keys file is as old as it was, so the change is seen. */
function putWrongPin(): void {
  writeFileSync(pinFile(), 'wrong-pin\n');
}

async function examined(options: { readonly login?: boolean } = {}) {
  return checkToken(await deploymentAt(token.home, { options }));
}

async function userPin(): Promise<string | undefined> {
  return (await tokenStatus(token.pinned)).find(({ serial }) => serial === token.pinned.token.serial)
    ?.userPin;
}

describe('a real token', { timeout: 240_000 }, () => {
  beforeEach(async () => {
    token = await makeTokenHome();
  });
  afterEach(() => token.remove());

  test('is sound when it was just set up: the PIN is known to be right, and the keys are looked at', async () => {
    const findings = await examined();
    assert.deepEqual(
      findings.map(({ check, outcome }) => `${check} ${outcome}`),
      ['token ok', 'PIN ok', 'keys ok'],
    );
    assert.match(textOf(findings, 'ok'), /sensitive and never extractable, and their public halves match/);
  });

  test('fails without its module, and with a module that is none', async () => {
    writeKeysFile(keysFile(), { ...token.pinned, modulePath: '/no/such/module.so' });
    assert.match(
      textOf(await examined(), 'failed'),
      /there is no PKCS#11 module at \/no\/such\/module\.so -> Inst/,
    );
    writeKeysFile(keysFile(), { ...token.pinned, modulePath: '/etc/passwd' });
    const findings = await examined();
    assert.match(textOf(findings, 'failed'), /\/etc\/passwd cannot be loaded/);
    assert.deepEqual(outcomesOf(findings, 'keys'), ['skipped']);
  });

  test('fails when it is gone, and when its configuration is', async () => {
    renameSync(token.tokens, `${token.tokens}.away`);
    mkdirSync(token.tokens);
    assert.match(
      textOf(await examined(), 'failed'),
      /loads, but the token "writ development" .* is not there/,
    );
    rmSync(join(token.home, 'softhsm2', 'softhsm2.conf'));
    assert.match(textOf(await examined(), 'failed'), /there is no .*softhsm2\.conf -> Restore it/);
  });

  test('is not asked for a login that a daemon may be using', async () => {
    const locked = lockFile(join(token.home, 'writd.lock'));
    try {
      assert.match(
        textOf(await examined(), 'skipped'),
        /not looked at: a daemon may hold the token; --login/,
      );
      assert.deepEqual(outcomesOf(await examined({ login: true }), 'keys'), ['ok']);
    } finally {
      if (locked.outcome === 'locked') locked.lock.release();
    }
  });

  test('is given no PIN that may be wrong, and one try of it at most when that is asked for', async () => {
    putWrongPin();
    const careful = await examined();
    assert.match(textOf(careful, 'ok'), /user\.pin, mode 0600, not known to be right/);
    assert.match(textOf(careful, 'skipped'), /it may be wrong; --login tries it once/);
    assert.equal(await userPin(), 'ready');
    assert.match(textOf(await examined({ login: true }), 'failed'), /refuses the PIN in .*user\.pin/);
    assert.equal(await userPin(), 'refused-once');
    const again = await examined({ login: true });
    assert.match(textOf(again, 'failed'), /has refused the PIN in .*user\.pin\.refused remembers it/);
    assert.match(textOf(again, 'warning'), /was given a wrong PIN since the last login/);
    assert.deepEqual(outcomesOf(again, 'keys'), ['skipped']);
  });

  test('fails for a PIN file that is missing, empty, or open to others', async () => {
    chmodSync(pinFile(), 0o640);
    const open = await examined();
    assert.match(textOf(open, 'failed'), /user\.pin has mode 0640: it is open to other users -> chmod 600/);
    assert.match(textOf(open, 'skipped'), /there is no PIN to log in with/);
    chmodSync(pinFile(), 0o600);
    writeFileSync(pinFile(), '');
    assert.match(textOf(await examined(), 'failed'), /user\.pin is empty/);
    rmSync(pinFile());
    assert.match(textOf(await examined(), 'failed'), /the PIN file .*user\.pin cannot be used: ENOENT/);
  });

  test('fails for a PIN file of another user, or below a directory of one', asRoot, async () => {
    chownSync(pinFile(), 1, 1);
    chownSync(dirname(pinFile()), 2, 2);
    const problems = textOf(await examined(), 'failed');
    assert.match(problems, /user\.pin belongs to .*uid 1\), but the state directory to .* -> chown 0/);
    assert.match(problems, /softhsm2 belongs to .*uid 2\), who may replace what lies in it/);
  });

  test('fails when a pinned key is not on it, or is another one', async () => {
    const { log, artifact } = token.pinned.keys;
    const pin = (keys: typeof token.pinned.keys) => {
      writeKeysFile(keysFile(), { ...token.pinned, keys });
    };
    pin({ log: { ...log, id: '00ff' }, artifact });
    assert.match(
      textOf(await examined(), 'failed'),
      /holds no private key with the id 00ff, which is pinned as the log/,
    );
    pin({ log, artifact: { ...artifact, publicKey: log.publicKey } });
    assert.match(textOf(await examined(), 'failed'), /lies another artifact key than the pinned one/);
  });

  test('is not asked for a login with a PIN that a person types, or that only the service is given', async () => {
    writeKeysFile(keysFile(), { ...token.pinned, pin: { type: 'prompt' } });
    assert.match(textOf(await examined(), 'skipped'), /no login with this PIN is on record/);
    const refusalFile = join(token.home, 'writ.pin-refused');
    writeKeysFile(keysFile(), { ...token.pinned, pin: { type: 'credential', name: 'writ', refusalFile } });
    assert.match(textOf(await examined(), 'skipped'), /the credential writ is given to the service alone/);
    writeFileSync(refusalFile, '');
    assert.match(
      textOf(await examined(), 'failed'),
      /refused the PIN in the credential writ .* then remove /,
    );
  });

  test('nothing is changed by looking', async () => {
    const before = [keysFile(), pinFile()].map((path) => [readFileSync(path, 'hex'), statSync(path).mtimeMs]);
    await examined();
    const after = [keysFile(), pinFile()].map((path) => [readFileSync(path, 'hex'), statSync(path).mtimeMs]);
    assert.deepEqual(after, before);
    assert.equal(existsSync(`${pinFile()}.refused`), false);
  });

  test('an old PIN file that was put in place of the right one is not taken for it', async () => {
    putWrongPin();
    utimesSync(pinFile(), new Date(0), new Date(0));
    assert.deepEqual(outcomesOf(await examined(), 'keys'), ['skipped']);
    assert.equal(await userPin(), 'ready');
  });
});

describe('what a token says of itself', () => {
  const status: TokenStatus = {
    state: 'initialized',
    label: 'writ',
    serial: '1',
    manufacturer: 'm',
    model: 'm',
    slot: 's',
    hardware: '1.0',
    firmware: '1.0',
    userPin: 'ready',
    ed25519: 'supported',
    pinLength: { least: 4, most: 255 },
  };

  const cases: readonly (readonly [Partial<TokenStatus>, 'warning' | 'failed', RegExp])[] = [
    [{ userPin: 'not-set' }, 'failed', /has no user PIN yet -> writ token init finishes it/],
    [{ userPin: 'last-try' }, 'failed', /allows one more try .* -> Log in once with the vendor's own tool/],
    [{ userPin: 'locked' }, 'failed', /has locked the user PIN -> Unlock it/],
    [{ userPin: 'refused-once' }, 'warning', /given a wrong PIN since the last login/],
    [{ ed25519: 'cannot-sign' }, 'failed', /does not list CKM_EDDSA/],
    [{ ed25519: 'cannot-generate' }, 'warning', /signs with Ed25519, but cannot make such keys/],
  ];
  for (const [changes, outcome, text] of cases)
    test(`${JSON.stringify(changes)} is ${outcome}`, () =>
      assert.match(textOf(judgeToken({ ...status, ...changes }), outcome), text));

  test('nothing else is a trouble', () => assert.deepEqual(judgeToken(status), []));
});

describe('what a token says of its keys', () => {
  const publicKey = new Uint8Array(32).fill(1);
  const key: KeyDescription = {
    id: '0a',
    label: 'k',
    publicKey,
    protection: {
      sensitive: true,
      extractable: false,
      alwaysSensitive: true,
      neverExtractable: true,
      private: true,
      token: true,
      sign: true,
      local: true,
    },
  };
  const pins = { log: { id: '0a', publicKey }, artifact: { id: '0b', publicKey } };
  const both = [key, { ...key, id: '0b' }];

  test('two good keys are sound', () => {
    assert.deepEqual(outcomesOf(judgeKeys(pins, both), 'keys'), ['ok']);
  });

  test('a key that could leave the token fails', () => {
    const exposed = { ...key, protection: { ...key.protection, extractable: true } };
    assert.match(
      textOf(judgeKeys(pins, [exposed, ...both.slice(1)]), 'failed'),
      /the log key can be extracted/,
    );
  });

  test('two keys of one id fail, and a hidden public half is warned of', () => {
    assert.match(textOf(judgeKeys(pins, [key, ...both]), 'failed'), /holds 2 private keys with the id 0a/);
    const hidden = judgeKeys(pins, [{ ...key, publicKey: null }, ...both.slice(1)]);
    assert.match(textOf(hidden, 'warning'), /shows no public half of the log key/);
  });
});
