/** Every way in which a PIN reaches a real token, and every sentence when it does not. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { HsmError, type HsmFaultCode } from '../../../src/hsm/faults.js';
import { credentialSource, type PinSource } from '../../../src/hsm/pin-source.js';
import { withPin } from '../../../src/hsm/pkcs11/pin.js';
import { listKeys } from '../../../src/hsm/token.js';
import { equalSecrets, generateSecret, writeSecret } from '../../../src/kernel/secret.js';
import { Terminal } from '../terminal.js';
import { filePin, makeTemporaryDirectory, makeTokenHome, type TokenHome } from '../token-home.js';

const question = { text: 'PIN of a test', ask: 'once' } as const;

function assertFault(work: () => unknown, code: HsmFaultCode, message: string): void {
  assert.throws(work, (error) => {
    assert.ok(error instanceof HsmError);
    assert.deepEqual([error.fault.code, error.fault.message], [code, message]);
    return true;
  });
}

describe('a PIN file', () => {
  let directory: string;
  let file: string;
  before(() => {
    directory = makeTemporaryDirectory();
    file = join(directory, 'pin');
  });
  after(() => rmSync(directory, { recursive: true }));

  const refused = (message: string) =>
    assertFault(() => withPin(filePin(file), question, () => 'opened'), 'pin-file', message);

  it('lends its one line, and wipes it afterwards', () => {
    const secret = generateSecret();
    const fd = openSync(file, 'w', 0o600);
    writeSecret(fd, secret);
    closeSync(fd);
    const lent = withPin(filePin(file), question, (pin) => {
      assert.ok(equalSecrets(pin.secret, secret));
      assert.equal(pin.memory?.path, `${file}.refused`);
      return pin.secret;
    });
    assert.throws(() => equalSecrets(lent, secret), TypeError);
  });

  it('is refused when it holds nothing or more', () => {
    for (const text of ['', '\n', '1234\n5678\n', '12\0' + '34']) {
      writeFileSync(file, text);
      refused(`the PIN file ${file} does not hold exactly one line`);
    }
  });

  it('is refused when others can read it', () => {
    writeFileSync(file, '1234');
    chmodSync(file, 0o640);
    refused(`the PIN file ${file} is open to other users`);
  });

  it('is refused when it is not there, or is none', () => {
    rmSync(file);
    refused(`the PIN file ${file} cannot be read (ENOENT)`);
    mkdirSync(file, { mode: 0o700 });
    refused(`the PIN file ${file} cannot be read (EISDIR)`);
  });
});

describe('a credential of the service', () => {
  let token: TokenHome;
  let directory: string;
  let pin: PinSource;
  before(async () => {
    token = await makeTokenHome();
    directory = join(token.home, 'credentials');
    mkdirSync(directory);
    pin = credentialSource('writ-pin', token.home);
  });
  after(() => {
    delete process.env.CREDENTIALS_DIRECTORY;
    token.remove();
  });

  const faultOfLogin = async () => {
    const outcome = await listKeys({ ...token.pinned, pin }).catch((error: unknown) => error);
    assert.ok(outcome instanceof HsmError, 'the login succeeded');
    return outcome.fault;
  };

  it('is missed where systemd gave none', async () => {
    const { code, message } = await faultOfLogin();
    assert.equal(code, 'pin-credential');
    assert.match(message, /^there is no credential writ-pin: .*CREDENTIALS_DIRECTORY is not set/);
    process.env.CREDENTIALS_DIRECTORY = directory;
    assert.equal((await faultOfLogin()).message, 'the credential writ-pin cannot be read (ENOENT)');
  });

  it('opens the token', async () => {
    copyFileSync(token.userPinFile, join(directory, 'writ-pin'));
    assert.equal((await listKeys({ ...token.pinned, pin })).length, 2);
  });

  it('that was refused stays refused, however often the service starts', async () => {
    const refusal = join(token.home, 'writ-pin.pin-refused');
    writeFileSync(join(directory, 'writ-pin'), 'not-the-pin\n');
    assert.equal((await faultOfLogin()).code, 'pin-wrong');
    // The next start of the service: another file of that name, with the right PIN or not.
    rmSync(join(directory, 'writ-pin'));
    copyFileSync(token.userPinFile, join(directory, 'writ-pin'));
    const { code, message } = await faultOfLogin();
    assert.equal(code, 'pin-refused');
    assert.match(
      message,
      /the PIN in the credential writ-pin; once it is right, remove .*writ-pin\.pin-refused$/,
    );
    assert.match(readFileSync(refusal, 'utf8'), /^[0-9a-f]+ credential writ-pin\n$/);
    rmSync(refusal);
    assert.equal((await listKeys({ ...token.pinned, pin })).length, 2);
    assert.ok(!existsSync(refusal));
  });
});

const hasScript = spawnSync('script', ['--version']).status === 0;

describe('a PIN that a person types', { skip: hasScript ? false : 'script(1) is not there' }, () => {
  let token: TokenHome;
  let pin: string;
  let prompt: string;
  before(async () => {
    token = await makeTokenHome();
    pin = readFileSync(token.userPinFile, 'utf8').trim();
    prompt = `User PIN of the token "writ development" (serial ${token.pinned.token.serial}): `;
  });
  after(() => token.remove());

  const start = (...parameters: string[]) =>
    new Terminal(new URL('./terminal-login.js', import.meta.url), [token.home, ...parameters]);

  it('opens the token, and is never to be seen', async () => {
    const terminal = start();
    await terminal.see(prompt);
    // Mistyped, taken back by the character and by the line.
    terminal.type('wr\u00f6ng\x7f\x7f\x15');
    terminal.type(`${pin}x\x7f\r`);
    await terminal.see('[signed]');
    assert.equal(await terminal.ended(), 0);
    assert.equal(terminal.shown, `${prompt}\r\n[signed]\r\n`);
  });

  it('is asked for once, also when it is wrong', async () => {
    const terminal = start();
    await terminal.see(prompt);
    terminal.type('not-the-pin\r');
    await terminal.ended();
    assert.equal(terminal.shown.split(prompt).length, 2);
    assert.match(terminal.shown, /\[pin-wrong: the token .* refuses the PIN that was typed\]/);
  });

  for (const [what, keys] of [
    ['Ctrl-C', 'half\x03'],
    ['Ctrl-D', '\x04'],
    ['nothing', '\r'],
  ] as const) {
    it(`can be refused with ${what}`, async () => {
      const terminal = start();
      await terminal.see(prompt);
      terminal.type(keys);
      await terminal.see('[pin-prompt: no PIN was typed: the question was dismissed]');
      assert.equal(await terminal.ended(), 0);
      assert.ok(!terminal.shown.includes('half'));
    });
  }

  it('is not asked for again when the signer process ends', async () => {
    const terminal = start('kill');
    await terminal.see(prompt);
    terminal.type(`${pin}\r`);
    await terminal.see('ended, and its PIN is asked for only when writd starts]');
    await terminal.ended();
    assert.equal(terminal.shown.split(prompt).length, 2);
  });

  it('cannot be asked for without a terminal', () => {
    const { stdout } = spawnSync(
      'setsid',
      ['-w', process.execPath, new URL('./terminal-login.js', import.meta.url).pathname, token.home],
      { encoding: 'utf8' },
    );
    assert.equal(stdout, '[pin-prompt: no PIN was typed: this process has no terminal]\n');
  });
});
