/** Keys as people name them, and signatures that ssh-keygen makes for us: from a key file, and through an agent. */

import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { UsageError } from '../../src/cli/cli-error.js';
import { principalKey } from '../../src/cli/principal-key.js';
import { signWithSshKey } from '../../src/cli/ssh-signing.js';
import { base64Encode } from '../../src/format/base64.js';
import { utf8Encode } from '../../src/format/utf8.js';
import { verifyDetached } from '../../src/verify/sshsig.js';
import { newSshKey, withSshAgent } from '../verify/ssh-keys.js';

const message = utf8Encode('what was meant');

describe('a key on the command line', () => {
  const key = newSshKey();
  const named = base64Encode(key.publicKey);

  test('as a line, as base64, by its public file and by its private file', async () => {
    const words = [key.line.trim(), named, `${key.path}.pub`, key.path];
    for (const word of words) assert.equal(await principalKey(word), named, word);
    const file = join(mkdtempSync(join(tmpdir(), 'writ-ssh-')), 'raw');
    writeFileSync(file, `${named}\n`);
    assert.equal(await principalKey(file), named);
  });

  test('a private key alone, another algorithm, a point of small order, and no such file', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'writ-ssh-'));
    copyFileSync(key.path, join(directory, 'alone'));
    const small = base64Encode(Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? 1 : 0)));
    for (const word of [
      join(directory, 'alone'),
      newSshKey('rsa').path,
      small,
      '/none/such',
      'ssh-ed25519 AAAA',
    ])
      await assert.rejects(principalKey(word), UsageError, word);
  });
});

describe('signing with an SSH key', () => {
  const isValid = (publicKey: Uint8Array, signature: Uint8Array) =>
    verifyDetached('sshsig', publicKey, signature, message, 'test@writ').outcome === 'valid';

  test('with the private key file', async () => {
    const key = newSshKey();
    const signed = await signWithSshKey(key.path, 'test@writ', message);
    assert.deepEqual(signed.publicKey, key.publicKey);
    assert.ok(isValid(key.publicKey, signed.signature));
  });

  test('through an agent, where only the public half is there', async () => {
    const key = newSshKey();
    await withSshAgent([key], async (environment) => {
      rmSync(key.path);
      const signed = await signWithSshKey(`${key.path}.pub`, 'test@writ', message, environment);
      assert.ok(isValid(key.publicKey, signed.signature));
    });
  });

  test('a file that is no key, and a key that no agent holds, end in what ssh-keygen says', async () => {
    await assert.rejects(
      signWithSshKey('/none/such', 'test@writ', message),
      /ssh-keygen did not sign: .*such/,
    );
    const key = newSshKey();
    rmSync(key.path);
    await assert.rejects(
      signWithSshKey(`${key.path}.pub`, 'test@writ', message, { PATH: process.env.PATH }),
      /ssh-keygen did not sign/,
    );
  });

  test('another algorithm is refused by name', async () => {
    await assert.rejects(
      signWithSshKey(newSshKey('ecdsa').path, 'test@writ', message),
      /ecdsa-sha2-nistp256/,
    );
  });
});
