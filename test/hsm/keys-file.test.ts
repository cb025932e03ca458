/** keys.json: what is written is read, anywhere the state directory goes, and nothing else is. */

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { HsmError } from '../../src/hsm/faults.js';
import { findKeysFile, type PinnedToken, readKeysFile, writeKeysFile } from '../../src/hsm/keys-file.js';
import { TestLog } from '../verify/sealed-artifact.js';
import { makeTemporaryDirectory } from './token-home.js';

describe('the keys file', () => {
  let directory: string;
  let path: string;
  const log = { id: '0a0b', publicKey: new TestLog().key.publicKey };
  const artifact = { id: '0c', publicKey: new TestLog().key.publicKey };
  const pinnedIn = (home: string): PinnedToken => ({
    modulePath: '/usr/lib/softhsm/libsofthsm2.so',
    softhsmConf: join(home, 'softhsm2', 'softhsm2.conf'),
    pinFile: '/run/credentials/user.pin',
    token: { label: 'test', serial: '00ff' },
    keys: { log, artifact },
  });

  before(() => {
    directory = makeTemporaryDirectory();
    mkdirSync(join(directory, 'home'));
    path = join(directory, 'home', 'keys.json');
    writeKeysFile(path, pinnedIn(join(directory, 'home')));
  });
  after(() => rmSync(directory, { recursive: true }));

  it('is read as it was written', () => {
    assert.deepEqual(readKeysFile(path), pinnedIn(join(directory, 'home')));
  });

  it('follows its directory', () => {
    const moved = join(directory, 'moved');
    renameSync(join(directory, 'home'), moved);
    assert.deepEqual(readKeysFile(join(moved, 'keys.json')), pinnedIn(moved));
    renameSync(moved, join(directory, 'home'));
  });

  it('is missing with a word for it, or null for those who make it', () => {
    const none = join(directory, 'none.json');
    assert.equal(findKeysFile(none), null);
    assert.throws(() => readKeysFile(none), refusal(`there is no keys file at ${none}`));
  });

  const spoiled: readonly [what: string, change: (text: string) => string, reason: string][] = [
    ['no JSON', () => '{', 'the text is not valid JSON'],
    ['a repeated key', (text) => text.replace('{', '{"version":1,'), 'an object repeats a key'],
    ['an unknown field', (text) => text.replace('{', '{"pin":"x",'), 'Unrecognized key: "pin"'],
    [
      'another version',
      (text) => text.replace('"version": 1', '"version": 2'),
      'version: Invalid input: expected 1',
    ],
    ['an id that is no hex', (text) => text.replace('"0a0b"', '"0A0B"'), 'keys.log.id: not lower-case hex'],
    [
      'a public key that is none',
      (text) => text.replace(/"publicKey": "[^"]*"/, `"publicKey": "${Buffer.alloc(32).toString('base64')}"`),
      'the Ed25519 public key is not of the prime order',
    ],
  ];
  for (const [what, change, reason] of spoiled) {
    it(`is refused with ${what}`, () => {
      const other = join(directory, 'spoiled.json');
      writeFileSync(other, change(readFileSync(path, 'utf8')));
      assert.throws(() => readKeysFile(other), refusal(`the keys file ${other} cannot be used: ${reason}`));
    });
  }

  function refusal(message: string): (error: unknown) => boolean {
    return (error) => {
      assert.ok(error instanceof HsmError);
      assert.equal(error.fault.code, 'keys-file');
      assert.equal(error.fault.message, message);
      return true;
    };
  }
});
