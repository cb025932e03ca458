/** Secrets on real files: what is one, what becomes of it, and what takes nothing else for one. */

import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { nativeAddon } from '../../src/kernel/addon.js';
import {
  equalSecrets,
  generateSecret,
  isLocked,
  readSecret,
  type Secret,
  withSecret,
  writeSecret,
} from '../../src/kernel/secret.js';

let directory: string;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'writ-secret-'));
});
after(() => rmSync(directory, { recursive: true }));

function opened<Result>(flags: string, work: (fd: number) => Result): Result {
  const fd = openSync(join(directory, 'secret'), flags, 0o600);
  try {
    return work(fd);
  } finally {
    closeSync(fd);
  }
}

/** What a file with this text holds, as the addon sees it: written to a file again. */
function roundTrip(text: string | Uint8Array): string | null {
  writeFileSync(join(directory, 'secret'), text);
  const secret = opened('r', readSecret);
  if (secret === null) return null;
  return withSecret(secret, () => {
    opened('w', (fd) => writeSecret(fd, secret));
    return readFileSync(join(directory, 'secret'), 'latin1');
  });
}

describe('a secret', () => {
  it('is the one line of a file, with or without its end', () => {
    for (const text of ['1234', '1234\n', '1234\r\n']) assert.equal(roundTrip(text), '1234\n');
    assert.equal(roundTrip(' p\u00fcn\t'), Buffer.from(' p\u00fcn\t\n').toString('latin1'));
  });

  it('is not what holds no line, more, NUL, or too long a one', () => {
    for (const text of ['', '\n', '\r\n', '1\n2', '1\n\n', '1\r2', '12\0' + '34'])
      assert.equal(roundTrip(text), null, JSON.stringify(text));
    assert.equal(roundTrip('x'.repeat(1023)), `${'x'.repeat(1023)}\n`);
    assert.equal(roundTrip('x'.repeat(1024)), null);
    assert.equal(roundTrip('x'.repeat(100_000)), null);
  });

  it('can be made at random, each another one', () => {
    const first = generateSecret();
    const second = generateSecret();
    assert.ok(equalSecrets(first, first));
    assert.ok(!equalSecrets(first, second));
    opened('w', (fd) => writeSecret(fd, first));
    assert.match(readFileSync(join(directory, 'secret'), 'utf8'), /^[0-9a-f]{32}\n$/);
    const read = opened('r', readSecret);
    assert.ok(read !== null && equalSecrets(read, first));
    assert.ok(isLocked(first), 'the limit on locked memory is too small for this test');
  });

  it('can be made of a chosen number of digits, and of no other number', () => {
    for (const digits of [4, 9, 64]) {
      opened('w', (fd) => writeSecret(fd, generateSecret(digits)));
      const text = readFileSync(join(directory, 'secret'), 'utf8');
      assert.match(text, /^[0-9a-f]+\n$/);
      assert.equal(text.length, digits + 1);
    }
    for (const digits of [0, 3, 65, 8.5, Number.NaN, -8])
      assert.throws(() => generateSecret(digits), TypeError);
  });

  it('shows nothing of itself to JavaScript', () => {
    const secret = generateSecret();
    assert.deepEqual(Reflect.ownKeys(secret), []);
    assert.equal(JSON.stringify(secret), '{}');
    assert.throws(
      () => (structuredClone(secret) satisfies Secret) && isLocked(structuredClone(secret)),
      TypeError,
    );
  });

  it('is of no more use once it was lent, also to work that fails', () => {
    const secret = generateSecret();
    assert.throws(
      () =>
        withSecret(secret, () => {
          throw new Error('the work failed');
        }),
      { message: 'the work failed' },
    );
    const refusal = { name: 'TypeError', message: 'expected a secret that was not wiped' };
    assert.throws(() => opened('w', (fd) => writeSecret(fd, secret)), refusal);
    assert.throws(() => isLocked(secret), refusal);
    nativeAddon().wipeSecret(secret);
  });

  it('is taken for nothing else, and nothing else for it', () => {
    const addon = nativeAddon();
    // Each call as JavaScript could make it, past the types.
    const call = (name: keyof typeof addon, ...parameters: unknown[]): unknown =>
      Reflect.apply(addon[name], addon, parameters);
    const others = [undefined, null, 0, 'secret', {}, [], Buffer.alloc(64), new Proxy(generateSecret(), {})];
    for (const other of others) {
      for (const name of ['secretIsLocked', 'wipeSecret', 'equalSecrets'] as const)
        assert.throws(() => call(name, other), TypeError);
      assert.throws(() => opened('r', (fd) => call('writeSecret', fd, other)), TypeError);
      assert.throws(() => call('tokenLogin', '/none.so', Buffer.alloc(8), 1, other), TypeError);
      assert.throws(() => call('tokenInitPin', '/none.so', Buffer.alloc(8), other), TypeError);
      assert.throws(() => call('tokenInit', '/none.so', Buffer.alloc(8), other, 'label'), TypeError);
    }
  });

  it('goes to no module that is not loaded, and with no handle that is none', () => {
    const addon = nativeAddon();
    const secret = generateSecret();
    const handle = Buffer.alloc(8);
    assert.throws(() => addon.tokenLogin('/none.so', handle, 1, secret), {
      code: 'ENOENT',
      syscall: 'dlopen',
    });
    // The C library is loaded, but is no PKCS#11 module.
    assert.throws(() => addon.tokenLogin('libc.so.6', handle, 1, secret), { code: 'ENOSYS' });
    for (const wrong of [Buffer.alloc(0), Buffer.alloc(4), Buffer.alloc(9)])
      assert.throws(() => addon.tokenLogin('libc.so.6', wrong, 1, secret), TypeError);
    assert.throws(() => addon.tokenInit('libc.so.6', handle, secret, 'x'.repeat(33)), TypeError);
  });

  it('gives its page back when it is wiped, without waiting for the collector', () => {
    // Far more pages than RLIMIT_MEMLOCK lets a user lock at once.
    for (let count = 0; count < 20_000; count++) assert.ok(withSecret(generateSecret(), isLocked));
  });
});
