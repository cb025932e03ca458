/** What OpenSSH writes is read, and written again to the byte; whatever is damaged is refused and never misread. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { base64Encode } from '../../src/format/base64.js';
import { concatBytes } from '../../src/format/bytes.js';
import { formatSshPublicKey, parseSshPublicKey, sshPublicKeyBlob } from '../../src/format/ssh-key.js';
import { sshString } from '../../src/format/ssh-wire.js';
import {
  armorSshSignature,
  encodeSshSignature,
  parseSshSignature,
  unarmorSshSignature,
} from '../../src/format/sshsig.js';
import { utf8Encode } from '../../src/format/utf8.js';
import { newSshKey, sshKeygenSign } from '../verify/ssh-keys.js';

const message = utf8Encode('what was meant');

describe('SSH public keys', () => {
  test('the line of a key file, with a comment of several words and without one', () => {
    const key = newSshKey('ed25519', 'two words');
    assert.equal(parseSshPublicKey(key.line).comment, 'two words');
    assert.equal(formatSshPublicKey(key.publicKey, 'two words'), key.line.trim());
    const bare = formatSshPublicKey(key.publicKey);
    assert.deepEqual(parseSshPublicKey(bare), { publicKey: key.publicKey, comment: '' });
  });

  test('other algorithms are refused by name, also under the name of Ed25519', () => {
    const rsa = newSshKey('rsa');
    assert.throws(() => parseSshPublicKey(rsa.line), /"ssh-rsa", not ssh-ed25519/);
    assert.throws(
      () => parseSshPublicKey(rsa.line.replace('ssh-rsa', 'ssh-ed25519')),
      /"ssh-rsa", not ssh-ed25519/,
    );
  });

  test('options, several lines, missing fields, trailing bytes and keys of another length', () => {
    const { line, publicKey } = newSshKey();
    const bytes = sshPublicKeyBlob(publicKey);
    for (const wrong of [
      '',
      'ssh-ed25519',
      ` ${line}`,
      `no-pty ${line}`,
      `${line}${line}`,
      `ssh-ed25519 ${base64Encode(concatBytes(bytes, Uint8Array.of(0)))}`,
      `ssh-ed25519 ${base64Encode(bytes.subarray(0, -1))}`,
      `ssh-ed25519 ${base64Encode(sshPublicKeyBlob(publicKey.subarray(1)))}`,
      `ssh-ed25519 ${base64Encode(bytes).slice(0, -1)}`,
    ])
      assert.throws(() => parseSshPublicKey(wrong), SyntaxError, wrong);
  });
});

describe('SSH signatures', () => {
  const key = newSshKey();

  for (const hash of ['sha512', 'sha256'] as const) {
    test(`what ssh-keygen signs over ${hash} is read, and written again to the byte`, () => {
      const armored = sshKeygenSign(key, message, 'test@writ', ['-O', `hashalg=${hash}`]);
      const blob = unarmorSshSignature(armored);
      const signature = parseSshSignature(blob);
      assert.deepEqual(
        { ...signature, signature: signature.signature.length },
        { publicKey: key.publicKey, namespace: 'test@writ', hash, signature: 64 },
      );
      assert.deepEqual(encodeSshSignature(signature), blob);
      assert.equal(armorSshSignature(blob), armored);
      assert.deepEqual(unarmorSshSignature(armored.replaceAll('\n', '\r\n')), blob);
    });
  }

  test('a signature by another algorithm is refused by name', () => {
    const blob = unarmorSshSignature(sshKeygenSign(newSshKey('ecdsa'), message, 'test@writ'));
    assert.throws(() => parseSshSignature(blob), /ecdsa-sha2-nistp256/);
  });

  test('armor without its lines, with something around it, or with base64 in a second spelling', () => {
    const armored = sshKeygenSign(key, message, 'test@writ');
    for (const wrong of [
      '',
      armored.slice(1),
      armored.replace('END', 'FIN'),
      `note\n${armored}`,
      armored.replace(/\n[A-Za-z0-9+/=]+\n/, '\n\u00e9\n'),
      '-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n',
    ])
      assert.throws(() => parseSshSignature(unarmorSshSignature(wrong)), SyntaxError, wrong);
  });

  test('fields that nobody may fill, and bytes that are missing or too many', () => {
    const good = {
      publicKey: key.publicKey,
      namespace: 'n',
      hash: 'sha512',
      signature: new Uint8Array(64),
    } as const;
    const blob = encodeSshSignature(good);
    assert.throws(() => parseSshSignature(encodeSshSignature({ ...good, namespace: '' })), /no namespace/);
    assert.throws(
      () => parseSshSignature(encodeSshSignature({ ...good, signature: new Uint8Array(63) })),
      /63 bytes/,
    );
    assert.throws(
      () => parseSshSignature(encodeSshSignature({ ...good, hash: 'sha1' as 'sha256' })),
      /over the hash "sha1"/,
    );
    assert.throws(
      () => parseSshSignature(Uint8Array.from(blob, (byte, at) => (at === 9 ? 2 : byte))),
      /version 2/,
    );
    assert.throws(() => parseSshSignature(concatBytes(blob, Uint8Array.of(0))), /too many/);
    for (let sizeBytes = 0; sizeBytes < blob.length; sizeBytes++)
      assert.throws(() => parseSshSignature(blob.subarray(0, sizeBytes)), SyntaxError);
    const reserved = concatBytes(
      utf8Encode('SSHSIG'),
      Uint8Array.of(0, 0, 0, 1),
      sshString(sshPublicKeyBlob(key.publicKey)),
      sshString(utf8Encode('n')),
      sshString(Uint8Array.of(1)),
      sshString(utf8Encode('sha512')),
      sshString(new Uint8Array()),
    );
    assert.throws(() => parseSshSignature(reserved), /reserved/);
  });

  test('random bytes, and random damage: refused with SyntaxError, or read as just what they say', () => {
    const blob = unarmorSshSignature(sshKeygenSign(key, message, 'test@writ'));
    const readOrRefuse = (bytes: Uint8Array) => {
      try {
        assert.deepEqual(encodeSshSignature(parseSshSignature(bytes)), Uint8Array.from(bytes));
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), readOrRefuse));
    const damage = fc.array(fc.tuple(fc.nat(blob.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(damage, (changes) => {
        const bytes = Uint8Array.from(blob);
        for (const [at, value] of changes) bytes[at] = value;
        readOrRefuse(bytes);
      }),
      { numRuns: 2000 },
    );
  });
});
