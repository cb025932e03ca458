/** Revoking and learning of revocations on the command line, against a real daemon. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { allowed, codesOf, echo } from '../daemon/requests.js';
import { withClient } from '../daemon/rooted-state.js';
import { type RunningDaemon, removeState, startDaemon } from '../daemon/running-daemon.js';
import { type Ended, writ } from './command-line.js';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const uid = process.getuid?.() ?? 0;

describe('revocation on the command line', () => {
  let daemon: RunningDaemon;
  let home: string;

  before(async () => {
    daemon = await startDaemon();
    home = daemon.stateDirectory;
  });
  after(async () => {
    await daemon.stop();
    await removeState(home);
  });

  async function run(...words: string[]): Promise<Ended> {
    return writ(words, { home });
  }

  async function artifactFile(text: string): Promise<string> {
    const { artifact } = await withClient(daemon, async (client) =>
      allowed(await client.authorize({ action: echo(text), ttlSeconds: 600 })),
    );
    const path = join(home, `${text}.json`);
    await writeFile(path, JSON.stringify(artifact));
    return path;
  }

  test('a status turns "no later revocation" into "not revoked as of", and tells what is revoked', async () => {
    const [good, bad] = [await artifactFile('good'), await artifactFile('bad')];
    assert.equal((await run('revoke', bad, '--cause', 'compromised')).exitCode, 0);
    const status = join(home, 'own-status.json');
    const made = await run('status', 'statement', '-o', status);
    assert.equal(made.exitCode, 0, made.stderr);
    const without = await run('verify', good);
    assert.match(without.stdout, /no-later-revocation/);
    const verified = await run('verify', good, '--status', status);
    assert.equal(verified.exitCode, 0, verified.stderr);
    assert.match(verified.stdout, /revocation-since: not revoked as of 20/);
    assert.doesNotMatch(verified.stdout, /no-later-revocation/);
    const denied = await run('verify', bad, '--status', status);
    assert.equal(denied.exitCode, 1);
    assert.match(denied.stdout, /REVOKED/);
    for (const misuse of [
      ['--max-age', '60'],
      ['--status', good],
    ])
      assert.equal((await run('verify', good, ...misuse)).exitCode, 2);
  });

  test('a program of a user is revoked by its path; one thing at a time, and nothing that is none', async () => {
    const other = await run('revoke', '--initiator', `${uid}:/usr/bin/true`, '--json');
    assert.equal(other.exitCode, 0, other.stderr);
    assert.equal(
      (await withClient(daemon, (client) => client.authorize({ action: echo('on') }))).decision,
      'allow',
    );
    for (const words of [
      [],
      ['--initiator', '1', '--bundle', 'a'.repeat(128)],
      ['--initiator', 'nobody'],
      ['--initiator', `${uid}:/none/such`],
      ['--bundle', 'short'],
    ])
      assert.equal((await run('revoke', ...words)).exitCode, 2, words.join(' '));
  });

  test('revocations are listed, and followed as they come', async () => {
    const listed = await run('revocations');
    assert.equal(listed.exitCode, 0, listed.stderr);
    assert.match(listed.stdout, /revoked of entry \d+ \(compromised\)/);
    const count = listed.stdout.trim().split('\n').length;
    const following = spawn(process.execPath, [main, 'revocations', '--follow', '--json'], {
      env: { PATH: process.env.PATH, WRIT_HOME: home },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    following.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    const told = async (parts: number) => {
      while (text.split('"urn:writ:revocation:v1"').length <= parts)
        await new Promise((resolve) => setTimeout(resolve, 20));
    };
    try {
      await told(count);
      const revoked = await run('revoke', '--initiator', String(uid));
      assert.equal(revoked.exitCode, 0, revoked.stderr);
      await told(count + 1);
      const denied = await withClient(daemon, (client) => client.authorize({ action: echo('off') }));
      assert.deepEqual(codesOf(denied), ['REVOKED']);
    } finally {
      following.kill('SIGTERM');
    }
  });
});
