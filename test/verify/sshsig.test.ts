/** Signatures of the installed OpenSSH under our rule, and everything that must not pass for one. */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  armorSshSignature,
  encodeSshSignature,
  parseSshSignature,
  sshSignedBytes,
  unarmorSshSignature,
} from '../../src/format/sshsig.js';
import { utf8Encode } from '../../src/format/utf8.js';
import { sha512 } from '../../src/hash/sha512.js';
import { verifyingKey } from '../../src/verify/ed25519.js';
import { verifyDetached, verifySshSignature } from '../../src/verify/sshsig.js';
import { newSshKey, sshSignatureBlob, withSshAgent } from './ssh-keys.js';

const namespace = 'test@writ';
const message = utf8Encode('what was meant');

describe('verifying SSH signatures', () => {
  const key = newSshKey();
  const verifier = verifyingKey(key.publicKey);

  for (const hash of ['sha512', 'sha256']) {
    test(`ssh-keygen's over ${hash} is valid, for this message, purpose and key only`, () => {
      const blob = sshSignatureBlob(key, message, namespace, ['-O', `hashalg=${hash}`]);
      assert.deepEqual(verifySshSignature(blob, message, namespace, verifier), { outcome: 'valid' });
      const reasons = [
        verifySshSignature(blob, utf8Encode('something else'), namespace, verifier),
        verifySshSignature(blob, message, 'file', verifier),
        verifySshSignature(blob, message, namespace, verifyingKey(newSshKey().publicKey)),
      ].map((verdict) => (verdict.outcome === 'invalid' ? verdict.reason : verdict.outcome));
      assert.deepEqual(reasons, [
        'does not cover what it is presented for',
        'is for "test@writ", not for "file"',
        'is by another key',
      ]);
    });
  }

  test('every changed byte makes it invalid', () => {
    const blob = sshSignatureBlob(key, message, namespace);
    fc.assert(
      fc.property(fc.nat(blob.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = Uint8Array.from(blob, (byte, position) => (position === at ? byte ^ change : byte));
        assert.equal(verifySshSignature(damaged, message, namespace, verifier).outcome, 'invalid');
      }),
    );
  });

  test('a signature over the bare message is none over the structure, and the other way round', () => {
    const pair = generateKeyPairSync('ed25519');
    const { x } = pair.publicKey.export({ format: 'jwk' });
    const publicKey = Uint8Array.from(Buffer.from(x ?? '', 'base64url'));
    const bare = Uint8Array.from(sign(null, message, pair.privateKey));
    assert.equal(verifyDetached('ed25519', publicKey, bare, message, namespace).outcome, 'valid');
    assert.equal(verifyDetached('sshsig', publicKey, bare, message, namespace).outcome, 'invalid');
    const wrapped = encodeSshSignature({ publicKey, namespace, hash: 'sha512', signature: bare });
    assert.equal(verifyDetached('sshsig', publicKey, wrapped, message, namespace).outcome, 'invalid');
    const ssh = sshSignatureBlob(key, message, namespace);
    assert.equal(verifyDetached('sshsig', key.publicKey, ssh, message, namespace).outcome, 'valid');
    const { signature } = parseSshSignature(ssh);
    assert.equal(verifyDetached('ed25519', key.publicKey, signature, message, namespace).outcome, 'invalid');
  });

  test('a key that is none makes it invalid: the point of order 1 signs everything elsewhere', () => {
    const small = Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? 1 : 0));
    const signature = new Uint8Array(64);
    signature[0] = 1;
    const verdict = verifyDetached('ed25519', small, signature, message, namespace);
    assert.equal(verdict.outcome, 'invalid');
    const blob = encodeSshSignature({ publicKey: small, namespace, hash: 'sha512', signature });
    assert.equal(verifyDetached('sshsig', small, blob, message, namespace).outcome, 'invalid');
  });

  test('ssh-keygen accepts what is put together from a signature over our bytes', () => {
    const pair = generateKeyPairSync('ed25519');
    const { x } = pair.publicKey.export({ format: 'jwk' });
    const publicKey = Uint8Array.from(Buffer.from(x ?? '', 'base64url'));
    const signature = Uint8Array.from(
      sign(null, sshSignedBytes(namespace, 'sha512', sha512(message)), pair.privateKey),
    );
    const file = join(mkdtempSync(join(tmpdir(), 'writ-ssh-')), 'made.sig');
    writeFileSync(
      file,
      armorSshSignature(encodeSshSignature({ publicKey, namespace, hash: 'sha512', signature })),
    );
    const checked = spawnSync('ssh-keygen', ['-Y', 'check-novalidate', '-n', namespace, '-s', file], {
      input: message,
      encoding: 'utf8',
    });
    assert.equal(checked.status, 0, checked.stderr);
  });

  test('a key held by an agent signs the same structure', () =>
    withSshAgent([key], async (env) => {
      const armored = execFileSync('ssh-keygen', ['-Y', 'sign', '-f', `${key.path}.pub`, '-n', namespace], {
        env,
        input: message,
        encoding: 'utf8',
        stdio: 'pipe',
      });
      const verdict = verifySshSignature(unarmorSshSignature(armored), message, namespace, verifier);
      assert.equal(verdict.outcome, 'valid');
    }));
});
