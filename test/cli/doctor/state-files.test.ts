import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { checkKeysFile, checkState, checkTrust } from '../../../src/cli/doctor/state-files.js';
import { base64Encode } from '../../../src/format/base64.js';
import { formatVerifierKey, verifierKey } from '../../../src/format/note.js';
import { makeTokenHome, type TokenHome } from '../../hsm/token-home.js';
import { deploymentAt, outcomesOf, textOf } from './examined.js';

const isRoot = process.geteuid?.() === 0;
const asRoot = isRoot ? {} : { skip: 'only root can give files away' };

let token: TokenHome;
const path = (name: string) => join(token.home, name);
before(async () => {
  token = await makeTokenHome();
});
after(() => token.remove());

describe('the state directory', () => {
  const state = async () => checkState(await deploymentAt(token.home));

  test('is sound when it is its own user alone who may enter', async () => {
    assert.deepEqual(outcomesOf(await state(), 'state'), ['ok']);
  });

  test('fails where there is none, and where it is a file', async () => {
    assert.match(
      textOf(checkState(await deploymentAt(path('none'))), 'failed'),
      /there is no state directory/,
    );
    const file = checkState(await deploymentAt(path('keys.json')));
    assert.match(textOf(file, 'failed'), /is a file, not a directory/);
  });

  test('fails when others may write, warns when they may look', async () => {
    chmodSync(token.home, 0o770);
    assert.match(
      textOf(await state(), 'failed'),
      /mode 0770: other users may replace the state -> .*chmod 700/,
    );
    chmodSync(token.home, 0o755);
    assert.match(textOf(await state(), 'warning'), /mode 0755: other users may look into it/);
    chmodSync(token.home, 0o700);
  });

  test('fails below a directory in which others may replace it', async () => {
    const open = path('open');
    mkdirSync(join(open, 'state'), { recursive: true });
    chmodSync(open, 0o777);
    const findings = checkState(await deploymentAt(join(open, 'state')));
    assert.match(textOf(findings, 'failed'), /open has mode 0777: others may replace what lies in it/);
    rmSync(open, { recursive: true });
  });

  test('fails for a file in it that others may change', async () => {
    writeFileSync(path('daemon.json'), '{}', { mode: 0o600 });
    chmodSync(path('daemon.json'), 0o606);
    assert.match(textOf(await state(), 'failed'), /daemon\.json has mode 0606: other users may change it/);
    rmSync(path('daemon.json'));
  });

  test('fails for a file in it that belongs to somebody else', asRoot, async () => {
    mkdirSync(path('journal'));
    chownSync(path('journal'), 1, 1);
    assert.match(textOf(await state(), 'failed'), /journal belongs to .*uid 1\), not to the owner/);
    rmSync(path('journal'), { recursive: true });
  });
});

describe('keys.json', () => {
  const keysFile = async () => checkKeysFile(await deploymentAt(token.home));

  test('is sound, fails when others may change it, when it is no keys file, and when it is gone', async () => {
    const text = readFileSync(path('keys.json'));
    assert.match(textOf(await keysFile(), 'ok'), /pins two keys on the token "writ development"/);
    chmodSync(path('keys.json'), 0o666);
    assert.match(textOf(await keysFile(), 'failed'), /keys\.json has mode 0666/);
    chmodSync(path('keys.json'), 0o644);
    writeFileSync(path('keys.json'), '{"version": 1}');
    assert.match(textOf(await keysFile(), 'failed'), /keys\.json cannot be used: .* -> Restore the file/);
    rmSync(path('keys.json'));
    assert.match(
      textOf(await keysFile(), 'failed'),
      /no token is set up.* -> Set one up with writ token init/,
    );
    writeFileSync(path('keys.json'), text);
  });
});

describe('trust.json', () => {
  const trust = async () => checkTrust(await deploymentAt(token.home));
  const pin = (log: Uint8Array, artifact: Uint8Array) =>
    writeFileSync(
      path('trust.json'),
      JSON.stringify({
        type: 'urn:writ:trust:v1',
        logs: [
          {
            origin: 'test.example',
            vkey: formatVerifierKey(verifierKey('test.example', log)),
            retired: null,
          },
        ],
        artifactKeys: [base64Encode(artifact)],
      }),
    );

  test('is not there before the first start', async () => {
    assert.deepEqual(outcomesOf(await trust(), 'trust'), ['skipped']);
  });

  test('must name the keys that are pinned', async () => {
    const { log, artifact } = token.pinned.keys;
    pin(log.publicKey, artifact.publicKey);
    assert.deepEqual(outcomesOf(await trust(), 'trust'), ['ok']);
    pin(artifact.publicKey, artifact.publicKey);
    assert.match(textOf(await trust(), 'failed'), /does not name the log key that keys\.json pins/);
    pin(log.publicKey, log.publicKey);
    assert.match(textOf(await trust(), 'warning'), /does not name the artifact key/);
    chmodSync(path('trust.json'), 0o662);
    assert.match(textOf(await trust(), 'failed'), /trust\.json has mode 0662/);
  });

  test('fails when it is no trust bundle', async () => {
    writeFileSync(path('trust.json'), '[]');
    assert.match(textOf(await trust(), 'failed'), /trust\.json cannot be used: not a trust bundle/);
    rmSync(path('trust.json'));
  });
});
