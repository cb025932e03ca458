/** keys.json: what is written is read, anywhere the state directory goes, and nothing else is. */

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { HsmError } from '../../src/hsm/faults.js';
import { findKeysFile, type PinnedToken, readKeysFile, writeKeysFile } from '../../src/hsm/keys-file.js';
import { credentialSource, type PinSource } from '../../src/hsm/pin-source.js';
import { noSuccession } from '../../src/hsm/succession.js';
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
    pin: { type: 'file', path: '/run/secrets/user.pin' },
    token: { label: 'test', serial: '00ff' },
    keys: { log, artifact },
    succession: noSuccession,
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

  it('says where the PIN comes from, in each way that there is', () => {
    const home = join(directory, 'home');
    const other = join(home, 'other.json');
    const sources: readonly [source: PinSource, written: object][] = [
      [{ type: 'file', path: join(home, 'user.pin') }, { file: 'user.pin' }],
      [{ type: 'file', path: '/etc/writ/user.pin' }, { file: '/etc/writ/user.pin' }],
      [credentialSource('writ-pin', home), { credential: 'writ-pin' }],
      [{ type: 'prompt' }, { prompt: true }],
      [{ type: 'tpm', path: join(home, 'pin.sealed') }, { tpm: 'pin.sealed' }],
    ];
    for (const [pin, written] of sources) {
      writeKeysFile(other, { ...pinnedIn(home), pin });
      assert.deepEqual(JSON.parse(readFileSync(other, 'utf8')).pin, written);
      assert.deepEqual(readKeysFile(other).pin, pin);
    }
  });

  it('is read as earlier versions wrote it', () => {
    const home = join(directory, 'home');
    const { pin: _, ...file } = JSON.parse(readFileSync(path, 'utf8'));
    const other = join(home, 'other.json');
    writeFileSync(other, JSON.stringify({ ...file, pinFile: 'user.pin' }));
    assert.deepEqual(readKeysFile(other).pin, { type: 'file', path: join(home, 'user.pin') });
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
    ['an unknown field', (text) => text.replace('{', '{"secret":"x",'), 'Unrecognized key: "secret"'],
    [
      'another version',
      (text) => text.replace('"version": 1', '"version": 2'),
      'version: Invalid input: expected 1',
    ],
    [
      'no word about the PIN',
      (text) => text.replace(/"pin": \{[^}]*\},/, ''),
      'it does not say where the PIN is',
    ],
    [
      'two words about the PIN',
      (text) => text.replace('"pin":', '"pinFile": "user.pin", "pin":'),
      'it says twice where the PIN is',
    ],
    ...['{"prompt": false}', '{"file": "a", "prompt": true}', '"1234"'].map(
      (pin): (typeof spoiled)[number] => [
        `the PIN source ${pin}`,
        (text) => text.replace(/"pin": \{[^}]*\}/, `"pin": ${pin}`),
        'pin: not one of {"file": PATH}, {"credential": NAME}, {"prompt": true}, {"tpm": PATH}',
      ],
    ),
    [
      'a credential that is no plain name',
      (text) => text.replace(/"pin": \{[^}]*\}/, '"pin": {"credential": "../pin"}'),
      'pin.credential: no name that a credential can have',
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
