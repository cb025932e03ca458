// Names of users and groups, from files of the system's form.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Accounts, AccountsError, parseNames } from '../../src/identity/accounts.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'writ-accounts-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('parseNames', () => {
  it('takes the first name of a number and skips lines of another form', () => {
    const text = [
      '# a comment: x:0:',
      '+::::::',
      '-nobody:x:5:',
      'root:x:0:0:root:/root:/bin/bash',
      'toor:x:0:0::/root:/bin/sh',
      'short:x',
      'bad:x:12a:',
      ':x:9:',
      'staff:x:50:someone,other',
    ].join('\n');
    assert.deepEqual(
      [...parseNames(text)],
      [
        [0, 'root'],
        [50, 'staff'],
      ],
    );
  });
});

describe('Accounts', () => {
  it('knows root by the system files, and gives an unknown number no name', () => {
    const accounts = new Accounts();
    assert.equal(accounts.userName(0), 'root');
    assert.deepEqual(accounts.groupNames([0, 4_000_000_000, 0]), ['root']);
    assert.equal(accounts.userName(4_000_000_000), null);
  });

  it('sees a file that was replaced, and one that was written in place', () => {
    const path = join(directory, 'group');
    writeFileSync(path, 'old:x:7:\n');
    const accounts = new Accounts('/etc/passwd', path);
    assert.deepEqual(accounts.groupNames([7]), ['old']);
    writeFileSync(`${path}.new`, 'new:x:7:\n');
    renameSync(`${path}.new`, path);
    assert.deepEqual(accounts.groupNames([7]), ['new']);
    writeFileSync(path, 'newest:x:7:\n');
    assert.deepEqual(accounts.groupNames([7]), ['newest']);
  });

  it('has no names where there is no file, and throws where there is one that cannot be read', () => {
    assert.equal(new Accounts(join(directory, 'none')).userName(0), null);
    const unreadable = join(directory, 'passwd');
    mkdirSync(unreadable);
    assert.throws(() => new Accounts(unreadable).userName(0), {
      name: 'AccountsError',
      message: `${unreadable} cannot be read: EISDIR`,
    });
    assert.throws(() => new Accounts(unreadable).userName(0), AccountsError);
  });
});
