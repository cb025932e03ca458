// `writ run`, by the native launcher, against a real daemon: the command line, what is passed on, and what ends a run.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect } from '../../src/client/client.js';
import { parseTrust } from '../../src/format/trust.js';
import { endsOf } from '../daemon/governed-daemon.js';
import { type RunningDaemon, removeState, startDaemon } from '../daemon/running-daemon.js';
import { type Ended, writ } from './command-line.js';

const launcher = fileURLToPath(new URL('../../../native/build/Release/writ-run', import.meta.url));
const policies = fileURLToPath(new URL('../../../policies', import.meta.url));

/** A bundle that permits everything, with leases of a few seconds. */
async function permissiveBundle(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'writ-run-policies-'));
  await cp(policies, directory, { recursive: true });
  await writeFile(
    join(directory, 'everything.cedar'),
    '@id("everything")\npermit (principal, action, resource);\n',
  );
  return directory;
}

describe('writ run', { timeout: 180_000 }, () => {
  let daemon: RunningDaemon;
  let bundle: string;
  before(async () => {
    bundle = await permissiveBundle();
    daemon = await startDaemon({ flags: ['--policy', bundle] });
  });
  after(async () => {
    await daemon.stop();
    await removeState(daemon.stateDirectory);
    await rm(bundle, { recursive: true });
  });
  const run = (...words: readonly string[]): Promise<Ended> =>
    writ(['run', ...words], { home: daemon.stateDirectory });

  test('streams, name, directory, environment and exit code are those of the program', async () => {
    const { status, stdout, stderr } = spawnSync(
      launcher,
      ['run', '--', '/bin/sh', '-c', 'read line; echo "$line $PWD"; env; exit 7', 'a0'],
      {
        input: 'typed\n',
        cwd: '/tmp',
        env: { WRIT_HOME: daemon.stateDirectory, 'ODD-NAME': 'x\ny', A: '1' },
        encoding: 'utf8',
      },
    );
    assert.equal(status, 7, stderr);
    const [first, ...rest] = stdout.split('\n');
    assert.equal(first, 'typed /tmp');
    assert.ok(rest.includes('A=1'));
    assert.ok(!stdout.includes('PATH='));
  });

  test('words that are no UTF-8 reach the program byte for byte', () => {
    const shell = `exec "$L" run -- /usr/bin/printf '%s' "$(printf '\\377x')"`;
    const { status, stdout } = spawnSync('/bin/sh', ['-c', shell], {
      env: { WRIT_HOME: daemon.stateDirectory, L: launcher, PATH: '/usr/bin:/bin' },
    });
    assert.deepEqual([status, [...stdout]], [0, [0xff, 0x78]]);
  });

  test('standard descriptors that are closed stay closed, and nothing of the run takes their numbers', () => {
    for (const closed of ['0', '1', '2', '0 1 2']) {
      const program = `for n in ${closed}; do [ -e /proc/$$/fd/$n ] && exit 1; done; exit 7`;
      const closing = closed.replace(/\d/g, '$&>&-');
      const { status, signal } = spawnSync(
        '/bin/sh',
        ['-c', `exec "$L" run -- /bin/sh -c '${program}' ${closing}`],
        {
          env: { WRIT_HOME: daemon.stateDirectory, L: launcher, PATH: '/usr/bin:/bin' },
        },
      );
      assert.deepEqual([closed, status, signal], [closed, 7, null]);
    }
  });

  test('a signal that ends the program ends the command, as a shell sees it', () => {
    const { signal, status } = spawnSync(launcher, ['run', '--', '/bin/sh', '-c', 'kill -TERM $$'], {
      env: { WRIT_HOME: daemon.stateDirectory },
    });
    assert.deepEqual([signal, status], ['SIGTERM', null]);
  });

  test('global options stand before and behind the name, and both spellings of an option are read', async () => {
    const socket = `--socket=${daemon.socketPath}`;
    const words = [
      socket,
      'run',
      '--ttl',
      '60',
      `--state=${daemon.stateDirectory}`,
      '--purpose=a b',
      '/bin/echo',
      '-n',
    ];
    const { exitCode, stdout, stderr } = await writ(words, { home: '/nonexistent', cwd: '/' });
    assert.deepEqual([exitCode, stdout, stderr], [0, '', '']);
  });

  test('what was asked for stands in the artifact, and authorization, receipt and lease are shown with --json', async () => {
    const { exitCode, stdout, stderr } = await run(
      '--json',
      '--limit',
      'memory=1G,files=100',
      '--descend=none',
      '--run-seconds',
      '100',
      '--ticket',
      'T-1',
      '--',
      '/bin/echo',
      'hi',
    );
    assert.deepEqual([exitCode, stdout], [0, 'hi\n'], stderr);
    const shown = JSON.parse(stderr);
    assert.deepEqual(Object.keys(shown), ['decision', 'authorization', 'receipt', 'lease']);
    const payload = Buffer.from(shown.authorization.artifact.payload, 'base64').toString();
    const { scope, validity, governance } = JSON.parse(payload).predicate;
    assert.equal(scope.descend, 'none');
    assert.deepEqual(
      [scope.execution.limits.memoryBytes, scope.execution.limits.openFiles, scope.execution.confine],
      [2 ** 30, 100, 'tree'],
    );
    assert.equal(Date.parse(validity.until) - Date.parse(validity.notBefore), 100_000);
    assert.deepEqual([validity.use, governance.ticket], ['lease', 'T-1']);
  });

  test('the log has one thread: authorization, redemption, lease, end', async () => {
    const { stderr } = await run('--json', '--', '/bin/sh', '-c', 'exit 3');
    const { authorization, receipt, lease } = JSON.parse(stderr);
    const trust = parseTrust(JSON.parse(await readFile(join(daemon.stateDirectory, 'trust.json'), 'utf8')));
    const client = await connect({ socketPath: daemon.socketPath, trust });
    try {
      const { size } = await client.checkpoint();
      const ends = [];
      for (let index = lease.index + 1; index < size; index++) {
        const entry = await client.entry({ index });
        if (entry.decision === 'allow' && entry.kind === 'end' && entry.payload !== null)
          ends.push(JSON.parse(Buffer.from(entry.payload, 'base64').toString()));
      }
      assert.deepEqual(
        ends.map(({ lease: of, artifact, cause, status }) => [of, artifact, cause, status]),
        [[lease.id, authorization.id, 'exited', { exit: 3 }]],
      );
      const record = JSON.parse(Buffer.from(lease.artifact.payload, 'base64').toString());
      assert.deepEqual([record.artifact, record.redemption], [authorization.id, receipt.id]);
    } finally {
      await client.close();
    }
  });

  test('what the launcher itself refuses stands in the log', async () => {
    // In the private /proc of the run there is no such process.
    const words = ['run', '--json', '--', '/bin/echo', 'hi'];
    const { exitCode, stdout } = await writ(words, {
      home: daemon.stateDirectory,
      cwd: `/proc/${process.pid}/task`,
    });
    const { denials, evidence } = JSON.parse(stdout);
    assert.deepEqual([exitCode, denials[0].code], [1, 'SCOPE_MISMATCH'], stdout);
    assert.match(
      denials[0].message,
      /^the launcher started nothing on redemption \d+: The working directory /,
    );
    assert.ok(evidence.index > 0);
  });

  test('a program that the kernel does not execute ends its run with the reason in the log', async () => {
    const garbage = join(daemon.stateDirectory, 'garbage');
    await writeFile(garbage, 'neither a script nor a program\n', { mode: 0o755 });
    const { exitCode, stdout, stderr } = await run('--json', '--', garbage);
    const { denials, evidence } = JSON.parse(stdout);
    assert.deepEqual([exitCode, denials[0].code], [1, 'ENVIRONMENT_MISMATCH'], stdout);
    assert.match(
      denials[0].message,
      /^the launcher started nothing on redemption \d+: The kernel does not execute /,
    );
    const { lease } = JSON.parse(stderr);
    const trust = parseTrust(JSON.parse(await readFile(join(daemon.stateDirectory, 'trust.json'), 'utf8')));
    const client = await connect({ socketPath: daemon.socketPath, trust });
    try {
      const [end, ...others] = await endsOf(client, lease);
      assert.deepEqual([end?.cause, end?.status, others], ['not-started', null, []]);
      assert.ok(evidence.index > lease.index);
    } finally {
      await client.close();
    }
  });

  test('a lease is renewed as long as the program runs', async () => {
    const short = await permissiveBundle();
    const bundleFile = join(short, 'bundle.toml');
    const settings = await readFile(bundleFile, 'utf8');
    await writeFile(bundleFile, settings.replace('[settings]', '[settings]\nleaseSeconds = 2'));
    const other = await startDaemon({ flags: ['--policy', short] });
    try {
      const { exitCode, stderr } = await writ(['run', '--', '/bin/sleep', '5'], {
        home: other.stateDirectory,
      });
      assert.deepEqual([exitCode, stderr], [0, '']);
    } finally {
      await other.stop();
      await removeState(other.stateDirectory);
      await rm(short, { recursive: true });
    }
  });

  test('a revocation ends the program at once, and says why', async () => {
    const child = spawn(launcher, ['run', '--json', '--', '/bin/sleep', '100'], {
      env: { WRIT_HOME: daemon.stateDirectory },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    let granted: (text: string) => void;
    const started = new Promise<string>((resolve) => {
      granted = resolve;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      if (stderr.endsWith('\n}\n')) granted(stderr);
    });
    const ended = once(child, 'close');
    const { authorization } = JSON.parse(await started);
    const revoked = await writ(['revoke', authorization.id], { home: daemon.stateDirectory });
    assert.equal(revoked.exitCode, 0, revoked.stderr);
    assert.deepEqual(await ended, [null, 'SIGKILL']);
    assert.match(stderr, /"code": "REVOKED"/);
  });

  test('nothing starts under another trust bundle, without one, or without a daemon', async () => {
    const mark = join(daemon.stateDirectory, 'mark');
    const pinned = JSON.parse(await readFile(join(daemon.stateDirectory, 'trust.json'), 'utf8'));
    const foreign = join(daemon.stateDirectory, 'foreign.json');
    await writeFile(
      foreign,
      JSON.stringify({ ...pinned, logs: [{ ...pinned.logs[0], origin: 'elsewhere' }] }),
    );
    const denied = await run('--trust', foreign, '--', '/usr/bin/touch', mark);
    assert.equal(denied.exitCode, 1);
    assert.match(denied.stderr, /^denied\n {2}BAD_SIGNATURE {2}the answer to authorize cannot be used: /);
    const home = await mkdtemp(join(tmpdir(), 'writ-run-empty-'));
    const unpinned = await writ(['run', '--', '/usr/bin/touch', mark], { home });
    assert.equal(unpinned.exitCode, 2);
    assert.match(
      unpinned.stderr,
      /^writ: no trust bundle: .*trust\.json does not exist\. Name one with --trust FILE/,
    );
    await cp(join(daemon.stateDirectory, 'trust.json'), join(home, 'trust.json'));
    const alone = await writ(['run', '--', '/usr/bin/touch', mark], { home });
    assert.equal(alone.exitCode, 3);
    assert.match(alone.stderr, /^writ: no daemon listens at .*: there is no such socket\. Start writd/);
    await assert.rejects(readFile(mark));
    await rm(home, { recursive: true });
  });

  test('a configuration file says where the daemon is, and one that is wrong is a usage error', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'writ-run-config-'));
    const config = join(directory, 'writ.toml');
    await writeFile(config, `state = "${daemon.stateDirectory}"\n[socket]\npath = '${daemon.socketPath}'\n`);
    const surroundings = { cwd: '/', environment: { WRIT_CONFIG: config } };
    const words = ['--state', daemon.stateDirectory, 'run', '--', '/bin/echo', 'hi'];
    const found = await writ(words, { home: '', ...surroundings });
    assert.deepEqual([found.exitCode, found.stdout], [0, 'hi\n'], found.stderr);
    for (const [text, says] of [
      ['[socket]\npth = "x"', /unknown key pth/],
      ['state = 7', /state: must be the path of a directory/],
      ['state = ', /is not valid TOML/],
    ] as const) {
      await writeFile(config, text);
      const { exitCode, stderr } = await writ(words, { home: '', ...surroundings });
      assert.equal(exitCode, 2);
      assert.match(stderr, says);
    }
    await rm(directory, { recursive: true });
  });

  test('an answer that is not the protocol, or about another request, starts nothing', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'writ-run-false-'));
    const socketPath = join(directory, 's');
    const answers = [
      'nonsense\n',
      '{"jsonrpc":"2.0","id":1,"result":{"decision":"maybe"}}\n',
      '{"jsonrpc":"2.0","id":2,"result":{"decision":"deny"}}\n',
      '{"jsonrpc":"2.0","id":1,"result":{"decision":"deny","denials":[],"evidence":null}}\n',
      '{"jsonrpc":"2.0","id":1,"result":{"decision":"allow","id":"x","index":0,"artifact":{}}}\n',
      '{"jsonrpc":"2.0","id":1,"error":{"code":-32002,"message":"busy","data":{"code":"OVERLOADED"}}}\n',
      '',
    ];
    const codes = [];
    for (const answer of answers) {
      const server: Server = createServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => socket.end(answer));
      }).listen(socketPath);
      await once(server, 'listening');
      const words = ['--socket', socketPath, 'run', '--json', '--', '/bin/true'];
      const { exitCode, stdout } = await writ(words, { home: daemon.stateDirectory });
      const { error, denials } = JSON.parse(stdout);
      codes.push([exitCode, error?.code ?? denials[0].code]);
      server.close();
      await once(server, 'close');
    }
    assert.deepEqual(codes, [
      [1, 'FOREIGN_ANSWER'],
      [1, 'FOREIGN_ANSWER'],
      [1, 'FOREIGN_ANSWER'],
      [1, 'FOREIGN_ANSWER'],
      [1, 'MALFORMED'],
      [3, 'OVERLOADED'],
      [3, 'UNAVAILABLE'],
    ]);
    await rm(directory, { recursive: true });
  });
});
