import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { commandTable } from '../../src/cli/command-table.js';
import { runCli } from '../../src/cli/program.js';
import { utf8Encode } from '../../src/format/utf8.js';
import { projectRoot } from '../../src/state/locations.js';
import { startScriptedServer } from '../client/scripted-server.js';

interface Run {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line in this process, without colour, on an empty state directory. */
async function run(words: readonly string[], colour = false): Promise<Run> {
  const home = await mkdtemp(join(tmpdir(), 'writ-cli-'));
  let stdout = '';
  let stderr = '';
  const channel = (add: (text: string) => void) => ({ write: add, colour });
  try {
    const exitCode = await runCli({
      words,
      environment: { WRIT_HOME: home, PATH: '/usr/bin:/bin' },
      own: {
        lastArguments: (texts) => texts.map(utf8Encode),
        environment: () => [],
        workingDirectory: () => utf8Encode('/'),
      },
      version: '1.2.3',
      standard: channel((text) => {
        stdout += text;
      }),
      error: channel((text) => {
        stderr += text;
      }),
    });
    return { exitCode, stdout, stderr };
  } finally {
    await rm(home, { recursive: true });
  }
}

test('the help page lists every command and the exit codes', async () => {
  const { exitCode, stdout } = await run(['--help']);
  assert.equal(exitCode, 0);
  for (const { path } of commandTable) assert.match(stdout, new RegExp(`^  ${path[0]}\\b`, 'm'));
  assert.match(stdout, /0 allowed or valid {3}1 denied or invalid {3}2 usage {3}3 unavailable/);
  assert.equal((await run(['--version'])).stdout, '1.2.3\n');
});

for (const { path } of commandTable) {
  test(`writ ${path.join(' ')} --help has examples of that very command and every global option`, async () => {
    const { exitCode, stdout } = await run([...path, '--help']);
    assert.equal(exitCode, 0);
    assert.match(stdout, new RegExp(`Examples:\\n  writ ${path.join(' ')}\\b`));
    for (const option of ['--socket <path>', '--state <directory>', '--json'])
      assert.ok(stdout.includes(option));
  });
}

test('every command file is in the table', () => {
  const files = readdirSync(join(projectRoot, 'src', 'cli', 'commands')).map((name) =>
    name.replace('.ts', ''),
  );
  assert.deepEqual(files.sort(), commandTable.map(({ path }) => path.join('-')).sort());
});

const usageErrors: readonly { readonly words: readonly string[]; readonly says: RegExp }[] = [
  { words: ['fly'], says: /unknown command 'fly'/ },
  { words: ['authorize'], says: /missing required argument 'command'/ },
  { words: ['authorize', '--ttl', '0', '--', 'id'], says: /A positive whole number is expected/ },
  {
    words: ['authorize', '--bind', 'everybody', '--', 'id'],
    says: /Allowed choices are uid, executable, process/,
  },
  {
    words: ['authorize', '--', 'no-such-program-anywhere'],
    says: /there is no executable no-such-program-anywhere in PATH/,
  },
  {
    words: ['authorize', '--', '/etc/passwd'],
    says: /\/etc\/passwd is not an executable file that this user may run/,
  },
  {
    words: ['run', '--', '/bin/true'],
    says: /writ run needs its launcher, native\/build\/Release\/writ-run/,
  },
  { words: ['run', '--limit', 'memory=1X', '--', 'id'], says: /Give cpu=SECONDS, memory=BYTES/ },
  {
    words: ['run', '--descend', 'some', '--', 'id'],
    says: /Give none, any, or absolute paths that are parted by commas/,
  },
  {
    words: ['verify', '/no/such/file', '--trust', '/no/trust.json'],
    says: /there is no file \/no\/trust\.json/,
  },
  {
    words: ['authorize', '-o', '/no/such/directory/a.json', '--', 'id'],
    says: /\/no\/such\/directory\/a\.json cannot be written: there is no directory \/no\/such\/directory/,
  },
  { words: ['trust', 'export', '-o', '/tmp'], says: /\/tmp is a directory; name a file/ },
  { words: ['authorize', '--', ''], says: /the command is an empty word; name a program/ },
  { words: ['log', 'check', '/etc/passwd'], says: /\/etc\/passwd is a file; name the directory of a log/ },
  {
    words: ['verify', '/etc/passwd/a.json', '--trust', '/etc/passwd/t'],
    says: /a part of this path is a file/,
  },
  { words: ['sign', '/no/such/file'], says: /there is no file \/no\/such\/file/ },
  { words: ['sign', '/tmp'], says: /\/tmp is not a regular file/ },
  { words: ['revoke', 'sha3-512:abc'], says: /is no id: sha3-512: and 128 lower-case hexadecimal digits/ },
  {
    words: ['revoke', '--cause', 'unsealed', 'x'],
    says: /Allowed choices are withdrawn, superseded, compromised/,
  },
  { words: ['lineage', '/no/such/artifact.json'], says: /there is no file \/no\/such\/artifact\.json/ },
  { words: ['log'], says: /Usage: writ log/ },
  { words: ['log', 'show', '--kind', 'gossip'], says: /Allowed choices are authorization, denial/ },
  { words: ['status', '--colour'], says: /unknown option '--colour'/ },
  {
    words: ['token', 'init'],
    says: /name --module, --label, --pin-file and --so-pin-file, or choose --development/,
  },
];

for (const { words, says } of usageErrors) {
  test(`writ ${words.join(' ')} is a usage error with a sentence`, async () => {
    const { exitCode, stderr } = await run(words);
    assert.match(stderr, says);
    assert.equal(exitCode, 2);
  });
}

test('with --json a usage error is a document too, and nothing else is said', async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['fly', '--json'], /^unknown command 'fly'/],
    [['authorize', '--json', '--colour'], /^unknown option '--colour'/],
    [['log', 'prove', '--json'], /^missing required argument 'entry'/],
    [['log', '--json'], /^no command was named; writ --help lists the commands$/],
  ];
  for (const [words, says] of cases) {
    const { exitCode, stdout, stderr } = await run(words);
    const { error }: { error: { code: string; message: string } } = JSON.parse(stdout);
    assert.match(error.message, says);
    assert.deepEqual([exitCode, error.code, stderr], [2, 'USAGE', '']);
  }
});

const unavailable: readonly { readonly words: readonly string[]; readonly says: RegExp }[] = [
  { words: ['status'], says: /no daemon listens at .*writ\.sock: there is no such socket\. Start writd/ },
  { words: ['authorize', '--', '/bin/true'], says: /no daemon listens/ },
  { words: ['trust', 'export'], says: /no daemon listens/ },
  { words: ['log', 'show'], says: /there is no published log/ },
  { words: ['log', 'check'], says: /there is no log/ },
  { words: ['keys', 'list'], says: /no token is set up: .*keys\.json does not exist/ },
  { words: ['token', 'status'], says: /no token is set up/ },
  { words: ['token', 'status', '--module', '/no/module.so'], says: /\/no\/module\.so/ },
];

for (const { words, says } of unavailable) {
  test(`writ ${words.join(' ')} without what it needs says so, as text and as JSON`, async () => {
    const text = await run(words);
    assert.match(text.stderr, says);
    assert.equal(text.stdout, '');
    assert.equal(text.exitCode, 3);
    const [first = '', ...rest] = words;
    const json = await run([
      first,
      ...rest.slice(0, rest.indexOf('--') === -1 ? rest.length : 0),
      '--json',
      ...(rest.indexOf('--') === -1 ? [] : rest),
    ]);
    assert.equal(json.exitCode, 3);
    assert.equal(json.stderr, '');
    const { error }: { error: { code: string; message: string } } = JSON.parse(json.stdout);
    assert.match(error.message, says);
    assert.match(error.code, /^UNAVAILABLE$|^module-missing$/);
  });
}

test('global options count before and behind the command', async () => {
  for (const words of [
    ['--json', '--socket', '/no/where.sock', 'status'],
    ['status', '--socket', '/no/where.sock', '--json'],
  ]) {
    const { exitCode, stdout } = await run(words);
    assert.equal(exitCode, 3);
    assert.match(stdout, /no daemon listens at \/no\/where\.sock/);
  }
});

test('a configuration file that cannot be used is a usage error', async () => {
  const home = await mkdtemp(join(tmpdir(), 'writ-cli-'));
  await writeFile(join(home, 'writ.toml'), 'sockets = 1\n');
  try {
    const { exitCode, stderr } = await run(['status', '--state', home]);
    assert.equal(exitCode, 2);
    assert.match(stderr, /writ\.toml/);
  } finally {
    await rm(home, { recursive: true });
  }
});

test('the socket of the configuration file is the one that is used', async () => {
  const home = await mkdtemp(join(tmpdir(), 'writ-cli-'));
  await writeFile(join(home, 'writ.toml'), '[socket]\npath = "/configured/elsewhere.sock"\n');
  try {
    const { stderr } = await run(['status', '--state', home]);
    assert.match(stderr, /no daemon listens at \/configured\/elsewhere\.sock/);
  } finally {
    await rm(home, { recursive: true });
  }
});

test('a redemption whose answer was lost names the nonce that brings the receipt', async () => {
  const server = await startScriptedServer((_request, socket) => socket.destroy());
  const artifact = join(projectRoot, 'docs', 'example', 'artifact.json');
  try {
    const { exitCode, stderr } = await run(['redeem', artifact, '--socket', server.socketPath]);
    assert.equal(exitCode, 3);
    const [asked] = server.received.map(({ params }) => params as { readonly nonce: string });
    assert.ok(asked !== undefined);
    assert.ok(
      stderr.includes(`to ask for the receipt again: writ redeem --nonce ${asked.nonce} ${artifact}`),
    );
  } finally {
    await server.stop();
  }
});

test('what cannot be written ends as a fault, and a reader that stops early does not', () => {
  const into = (redirection: string) =>
    spawnSync('/bin/sh', ['-c', `"$NODE" "$MAIN" --version ${redirection}`], {
      env: {
        PATH: process.env.PATH,
        NODE: process.execPath,
        MAIN: fileURLToPath(new URL('../../src/cli/main.js', import.meta.url)),
      },
      encoding: 'utf8',
    });
  const full = into('>/dev/full');
  assert.equal(full.status, 70);
  assert.match(full.stderr, /^writ: standard output cannot be written: ENOSPC[^\n]*\n$/);
  assert.equal(into('| true').stderr, '');
});
