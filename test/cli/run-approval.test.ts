// `writ run --wait-approval`, by the native launcher against a real daemon: it waits, says for what, and starts what was approved.

import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect, type WritClient } from '../../src/client/client.js';
import { approveAs, bundleWith, demandingPolicy, newPerson } from '../daemon/approvers.js';
import { allowed } from '../daemon/requests.js';
import { prepareState, type RunningDaemon, removeState, startDaemon } from '../daemon/running-daemon.js';
import { ShellOnTerminal } from '../run/shell-on-terminal.js';

const launcher = fileURLToPath(new URL('../../../native/build/Release/writ-run', import.meta.url));
const missing = ['script', 'bash'].filter((name) => spawnSync(name, ['--version']).status !== 0);
const alice = newPerson();
const bob = newPerson();
const approvers = `
[approvers.alice]
keys = ["${alice.key}"]
[approvers.bob]
keys = ["${bob.key}"]
[groups]
managers = ["alice", "bob"]
`;
const head = 'action == Writ::Action::"execute", resource == Writ::Command::"/usr/bin/echo"';
/** What waits, and behind it the one demand that it waits for. */
const waits = /waiting until (?<expires>\S+) for approvals: writ approve (?<id>\S+)\n {2}.+\n/;

/** A daemon that lets `echo` run once both have approved it. */
function demandingDaemon(settings: string): { readonly home: () => string; readonly writ: () => WritClient } {
  let daemon: RunningDaemon;
  let writ: WritClient;
  let directory: string;
  before(async () => {
    const stateDirectory = await prepareState();
    directory = bundleWith(
      demandingPolicy('echo', '@approvals("2") @approvers("managers")', head),
      approvers,
      settings,
    );
    writeFileSync(join(stateDirectory, 'writ.toml'), `[policy]\ndirectory = "${directory}"\n`);
    daemon = await startDaemon({ stateDirectory });
    writ = await connect({ socketPath: daemon.socketPath });
  });
  after(async () => {
    await writ.close();
    assert.equal(await daemon.stop(), 0);
    await removeState(daemon.stateDirectory);
    rmSync(dirname(directory), { recursive: true });
  });
  return { home: () => daemon.stateDirectory, writ: () => writ };
}

/** A run that is under way. */
class Run {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #ended: Promise<readonly [number | null, NodeJS.Signals | null]>;
  stdout = '';
  stderr = '';

  constructor(home: string, words: readonly string[]) {
    // Of a session of its own, without a terminal, wherever the tests run.
    this.#child = spawn('setsid', ['--wait', launcher, 'run', ...words], {
      env: { PATH: '/usr/bin:/bin', WRIT_HOME: home },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#ended = once(this.#child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  }

  /** The id of the request that it says it waits for. */
  async waitsFor(): Promise<string> {
    for (;;) {
      const id = this.stderr.match(waits)?.groups?.id;
      if (id !== undefined) return id;
      if (this.#child.exitCode !== null) assert.fail(`it never waited: ${this.stderr}`);
      await once(this.#child.stderr, 'data');
    }
  }

  async exitCode(): Promise<number | null> {
    return (await this.#ended)[0];
  }
}

describe('writ run --wait-approval', { timeout: 120_000 }, () => {
  const { home, writ } = demandingDaemon('');

  it('says once what it waits for, and starts the command when it is approved', async () => {
    const run = new Run(home(), ['--wait-approval', '--', '/usr/bin/echo', 'approved']);
    const id = await run.waitsFor();
    allowed(await approveAs(writ(), alice, id));
    assert.equal(run.stdout, '');
    allowed(await approveAs(writ(), bob, id));
    assert.equal(await run.exitCode(), 0, run.stderr);
    assert.equal(run.stdout, 'approved\n');
    assert.match(run.stderr, /^waiting until .*\n {2}2 of managers \(alice, bob\): nobody has approved\n$/);
  });

  it('is denied at once without the option, and waits for the same request with it', async () => {
    const words = ['--', '/usr/bin/echo', 'the same'];
    const denied = new Run(home(), words);
    assert.equal(await denied.exitCode(), 1);
    assert.match(denied.stderr, /APPROVAL_REQUIRED/);
    const id = denied.stderr.match(/waits as (\S+) until/)?.[1] ?? assert.fail(denied.stderr);
    allowed(await approveAs(writ(), alice, id));
    const run = new Run(home(), ['--wait-approval', ...words]);
    assert.equal(await run.waitsFor(), id);
    assert.match(run.stderr, /approved by alice/);
    allowed(await approveAs(writ(), bob, id));
    assert.equal(await run.exitCode(), 0, run.stderr);
    assert.equal(run.stdout, 'the same\n');
  });

  it('starts at once what nobody need approve', async () => {
    const run = new Run(home(), ['--wait-approval', '--', '/usr/bin/true']);
    assert.equal(await run.exitCode(), 0, run.stderr);
    assert.equal(run.stderr, '');
  });

  it('takes no value', async () => {
    const run = new Run(home(), ['--wait-approval=yes', '--', '/usr/bin/true']);
    assert.equal(await run.exitCode(), 2, run.stderr);
  });

  it('on a terminal, ^Z stops the wait, fg continues it, and ^C ends it', {
    skip: missing.length > 0 && `not installed: ${missing.join(', ')}`,
  }, async () => {
    const shell = new ShellOnTerminal(home());
    try {
      await shell.see(/> /);
      shell.type(`WRIT_HOME=${home()} ${launcher} run --wait-approval -- /usr/bin/echo ended\n`);
      await shell.see(waits);
      shell.type('^Z');
      await shell.see(/Stopped/);
      await shell.see(/> /);
      shell.type('fg\n');
      await shell.see(/fg\n.*echo ended\n/);
      shell.type('^C');
      await shell.see(/> /);
      shell.type('echo code $?\n');
      await shell.see(/^code 130$/m);

      shell.type(`WRIT_HOME=${home()} ${launcher} run --wait-approval -- /usr/bin/echo "con"tinued\n`);
      const { id = '' } = (await shell.see(waits)).groups ?? {};
      shell.type('^Z');
      await shell.see(/Stopped/);
      shell.type('fg\n');
      for (const person of [alice, bob]) allowed(await approveAs(writ(), person, id));
      await shell.see(/^continued$/m);
    } finally {
      await shell.close();
    }
  });
});

describe('writ run --wait-approval, where nobody approves in time', { timeout: 120_000 }, () => {
  const { home } = demandingDaemon('approvalSeconds = 3\n');

  it('ends with the denial', async () => {
    const run = new Run(home(), ['--wait-approval', '--', '/usr/bin/echo', 'late']);
    await run.waitsFor();
    assert.equal(await run.exitCode(), 1);
    assert.match(run.stderr, /the request waits no longer\ndenied\n {2}APPROVAL_REQUIRED/);
    assert.equal(run.stdout, '');
  });
});
