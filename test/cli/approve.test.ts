// `writ approve` as people use it: with a key in a real ssh-agent, a key file, and a key on a real PKCS#11 token; and what it
// shows before it signs.

import assert from 'node:assert/strict';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { exactly } from '../../src/cli/approval-text.js';
import { connect, type WritClient } from '../../src/client/client.js';
import { base64Encode } from '../../src/format/base64.js';
import type { Denied } from '../../src/format/protocol.js';
import { generateKey } from '../../src/hsm/token.js';
import { bundleWith, demandingPolicy } from '../daemon/approvers.js';
import { allowed, echo } from '../daemon/requests.js';
import { prepareState, type RunningDaemon, removeState, startDaemon } from '../daemon/running-daemon.js';
import { Terminal } from '../hsm/terminal.js';
import { makeTokenHome, type TokenHome } from '../hsm/token-home.js';
import { newSshKey, withSshAgent } from '../verify/ssh-keys.js';
import { type Ended, writ } from './command-line.js';

const cli = new URL('../../src/cli/main.js', import.meta.url);
const tokenKeyId = 'a11ce0';
const bobsUid = 65_000;

describe('writ approve', () => {
  const [alice, bob, stranger] = [newSshKey(), newSshKey(), newSshKey()];
  let token: TokenHome;
  let directory: string;
  let daemon: RunningDaemon;
  let client: WritClient;

  before(async () => {
    token = await makeTokenHome();
    const carol = await generateKey(token.pinned, { label: 'carol', id: tokenKeyId });
    assert.ok(carol.publicKey !== null);
    directory = bundleWith(
      demandingPolicy(
        'echo',
        '@approvals("2") @approvers("managers")',
        'action == Writ::Action::"execute", resource == Writ::Command::"/usr/bin/echo"',
      ) +
        demandingPolicy(
          'signatures',
          '@approvals("1") @approvers("managers")',
          'action == Writ::Action::"sign", resource',
        ),
      `[approvers.alice]\nkeys = ["${alice.line.trim()}"]
       [approvers.bob]\nkeys = ["${base64Encode(bob.publicKey)}"]\nuid = ${bobsUid}
       [approvers.carol]\nkeys = ["${base64Encode(carol.publicKey)}"]
       [groups]\nmanagers = ["alice", "bob", "carol"]\n`,
    );
    const stateDirectory = await prepareState();
    writeFileSync(join(stateDirectory, 'writ.toml'), `[policy]\ndirectory = "${directory}"\n`);
    daemon = await startDaemon({ stateDirectory });
    client = await connect({ socketPath: daemon.socketPath });
  });
  after(async () => {
    await client.close();
    assert.equal(await daemon.stop(), 0);
    await removeState(daemon.stateDirectory);
    rmSync(dirname(directory), { recursive: true });
    token.remove();
  });

  const writHere = (words: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
    writ(words, { home: daemon.stateDirectory, cwd: '/', environment });
  async function pendingFor(text: string): Promise<string> {
    const answer = (await client.authorize({ action: echo(text) })) as Denied;
    assert.ok(answer.pending !== undefined, text);
    return answer.pending.id;
  }
  const throughToken = (id: string): Promise<Ended> =>
    writHere(
      [
        'approve',
        id,
        '--token',
        token.pinned.token.label,
        '--key',
        tokenKeyId,
        '--pin-file',
        token.userPinFile,
        '--yes',
      ],
      { SOFTHSM2_CONF: token.pinned.softhsmConf ?? '' },
    );
  const given = async (id: string) => allowed(await client.pending({ id })).pending.demands[0]?.given;

  it('signs with the key of a file, and with one on a token; then the same is granted, and verifies offline', async () => {
    const id = await pendingFor('deploy');
    const first = await writHere(['approve', id, '--ssh-key', alice.path, '--yes']);
    assert.equal(first.exitCode, 0, first.stderr);
    assert.match(first.stdout, /others must approve it too/);
    const second = await throughToken(id);
    assert.equal(second.exitCode, 0, second.stderr);
    assert.match(second.stdout, /2 of managers \(alice, bob, carol\): approved by alice, carol/);
    assert.match(second.stdout, /whoever asked can ask exactly the same again/);
    const granted = allowed(await client.authorize({ action: echo('deploy') }));
    const file = join(daemon.stateDirectory, 'approved.json');
    writeFileSync(file, JSON.stringify(granted.artifact));
    const alone = await writHere(['verify', file]);
    assert.equal(alone.exitCode, 0, alone.stderr);
    assert.match(alone.stdout, /approved by +alice, carol/);
    assert.match(alone.stdout, /the word of the issuing daemon/);
    const ruled = await writHere(['verify', file, '--policy', directory]);
    assert.equal(ruled.exitCode, 0, ruled.stdout);
    assert.doesNotMatch(ruled.stdout, /the word of the issuing daemon/);
    const bySomeoneElse = bundleWith(
      '',
      `[approvers.x]\nkeys = ["${base64Encode(stranger.publicKey)}"]\n[groups]\n`,
    );
    const other = await writHere(['verify', file, '--policy', bySomeoneElse]);
    assert.equal(other.exitCode, 1);
    assert.match(other.stdout, /POLICY_MISMATCH/);
    rmSync(dirname(bySomeoneElse), { recursive: true });
  });

  it('signs with whichever key of the agent is an approver of the request', async () => {
    const id = await pendingFor('agent');
    await withSshAgent([stranger, bob], async ({ SSH_AUTH_SOCK = '' }) => {
      const signed = await writHere(['approve', id, '--yes'], { SSH_AUTH_SOCK });
      assert.equal(signed.exitCode, 0, signed.stderr);
    });
    assert.deepEqual(await given(id), ['bob']);
  });

  it('says so where the agent holds no such key, and where there is none', async () => {
    const id = await pendingFor('no agent');
    await withSshAgent([stranger], async ({ SSH_AUTH_SOCK = '' }) => {
      const ended = await writHere(['approve', id, '--ssh-key', 'agent', '--yes'], { SSH_AUTH_SOCK });
      assert.equal(ended.exitCode, 3);
      assert.match(ended.stderr, /none of the 1 Ed25519 keys of the agent is of an approver/);
    });
    const without = await writHere(['approve', id, '--yes']);
    assert.equal(without.exitCode, 2);
    assert.match(without.stderr, /name your key: --ssh-key FILE/);
    assert.deepEqual(await given(id), []);
  });

  it('is denied with the key of a stranger', async () => {
    const id = await pendingFor('stranger');
    const ended = await writHere(['approve', id, '--ssh-key', stranger.path, '--yes']);
    assert.equal(ended.exitCode, 1);
    assert.match(ended.stdout, /BAD_CREDENTIALS/);
    assert.deepEqual(await given(id), []);
  });

  it('shows the whole request, with what hides or steers made visible', async () => {
    const hidden = `--to=prod\u202e\u200b${'x'.repeat(300)}\n\u001b[2J`;
    const id = await pendingFor(hidden);
    const shown = await writHere(['approve', id, '--show']);
    assert.equal(shown.exitCode, 0, shown.stderr);
    assert.ok(shown.stdout.includes(`"--to=prod\\u{202e}\\u{200b}${'x'.repeat(300)}\\u{a}\\u{1b}[2J"`));
    assert.match(shown.stdout, /asked by +uid \d+/);
    assert.match(shown.stdout, /policy +version \d+, by "anyone-runs-harmless-commands", "echo"/);
    assert.match(shown.stdout, /demands +2 of managers \(alice, bob, carol\): nobody has approved/);
    assert.deepEqual(await given(id), []);
  });

  it('asks at the terminal, and signs only after a yes', async () => {
    const id = await pendingFor('terminal');
    const environment = { PATH: process.env.PATH, WRIT_HOME: daemon.stateDirectory };
    // The third and fourth are ^C and ^D: the signal ends it as a shell expects, and the end of the input is no answer.
    for (const [keys, status] of [
      ['n\n', 1],
      ['\n', 1],
      ['\x03', 130],
      ['\x04', 2],
      ['y\n', 0],
    ] as const) {
      const terminal = new Terminal(cli, ['approve', id, '--ssh-key', alice.path], environment);
      const position = await terminal.see('arguments');
      assert.ok(terminal.shown.slice(0, position).includes('"/usr/bin/echo"'));
      await terminal.see('Approve exactly this? [y/N]');
      terminal.type(keys);
      assert.equal(await terminal.ended(), status);
      assert.deepEqual(await given(id), status === 0 ? ['alice'] : []);
    }
  });

  it('signs nothing where there is nobody to ask', async () => {
    const id = await pendingFor('nobody');
    const ended = await writHere(['approve', id, '--ssh-key', alice.path]);
    assert.equal(ended.exitCode, 2);
    assert.match(ended.stderr, /there is no terminal to ask at/);
    assert.deepEqual(await given(id), []);
  });

  it('lists what waits', async () => {
    const id = await pendingFor('listed');
    const listed = await writHere(['approve', '--list']);
    assert.equal(listed.exitCode, 0, listed.stderr);
    assert.ok(listed.stdout.includes(id));
    const document = JSON.parse((await writHere(['approve', '--list', '--json'])).stdout);
    assert.ok(document.pending.some((summary: { readonly id: string }) => summary.id === id));
  });

  it('shows a list to its approvers and its owner only, and the request to whoever knows its id', async (context) => {
    if (process.getuid?.() !== 0) return context.skip('acting as another user needs root');
    const id = await pendingFor('others');
    chmodSync(daemon.stateDirectory, 0o755);
    chmodSync(daemon.socketPath, 0o666);
    const as = (uid: number, ...words: string[]) =>
      writ(words, {
        home: daemon.stateDirectory,
        cwd: '/',
        launcher: ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'],
      });
    assert.ok((await as(bobsUid, 'approve', '--list')).stdout.includes(id));
    assert.doesNotMatch((await as(bobsUid + 1, 'approve', '--list')).stdout, /==/);
    assert.match((await as(bobsUid + 1, 'approve', id, '--show')).stdout, /"others"/);
    assert.match((await writHere(['log', 'show'])).stdout, /demanded for the request/);
    assert.doesNotMatch((await as(bobsUid + 1, 'log', 'show')).stdout, /demanded for the request/);
    const words = ['authorize', '--json', '--', '/usr/bin/echo', 'bob'];
    const own = JSON.parse((await as(bobsUid, ...words)).stdout).pending.id;
    const refused = await writHere(['approve', own, '--ssh-key', bob.path, '--yes']);
    assert.match(refused.stdout, /IDENTITY_MISMATCH/);
    const others = JSON.parse((await as(bobsUid + 1, ...words)).stdout).pending.id;
    assert.notEqual(others, own, 'the same, asked by somebody else, is another request');
    assert.equal((await writHere(['approve', others, '--ssh-key', bob.path, '--yes'])).exitCode, 0);
  });

  it('refuses what is no id, and an id under which nothing waits', async () => {
    assert.equal((await writHere(['approve', 'nothing', '--yes'])).exitCode, 2);
    assert.equal((await writHere(['approve'])).exitCode, 2);
    const unknown = await writHere(['approve', 'AAAAAAAAAAAAAAAAAAAAAA==', '--show']);
    assert.equal(unknown.exitCode, 1);
    assert.match(unknown.stdout, /NO_AUTHORIZATION/);
  });

  it('lets authorize and sign wait', async () => {
    const file = join(daemon.stateDirectory, 'release');
    writeFileSync(file, 'release');
    const waiting = [
      writHere(['authorize', '--wait-approval', '--', '/usr/bin/echo', 'waiting']),
      writHere(['sign', file, '--wait-approval']),
    ];
    const ids = await waitingFor([/echo waiting/, /release/]);
    for (const id of ids)
      assert.equal((await writHere(['approve', id, '--ssh-key', alice.path, '--yes'])).exitCode, 0);
    const [first = ''] = ids;
    assert.equal((await writHere(['approve', first, '--ssh-key', bob.path, '--yes'])).exitCode, 0);
    const [authorized, signed] = await Promise.all(waiting);
    assert.equal(authorized?.exitCode, 0, authorized?.stderr);
    assert.match(authorized?.stderr ?? '', /for approvals: writ approve /);
    assert.equal(signed?.exitCode, 0, signed?.stderr);
  });

  /** The ids of the requests with such subjects, once they wait. */
  async function waitingFor(subjects: readonly RegExp[]): Promise<string[]> {
    for (;;) {
      const { pending } = await client.pendingList();
      const found = subjects.map((subject) => pending.find((summary) => subject.test(summary.subject))?.id);
      const ids = found.filter((id) => id !== undefined);
      if (ids.length === subjects.length) return ids;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
});

describe('a text as an approver sees it', () => {
  it('differs from every other', () => {
    const texts = [
      'a b',
      'a\u00a0b',
      'a\u2003b',
      'ab',
      'a\u200bb',
      'a\\u{200b}b',
      'a"b',
      'e\u0301',
      '\u00e9',
      '',
      ' ',
    ];
    assert.equal(new Set(texts.map(exactly)).size, texts.length);
    assert.equal(exactly({ base64: '/w==' }), 'bytes in base64: /w==');
    assert.match(exactly('bytes in base64: /w=='), /^"/);
  });
});
