// What the launcher reads before it trusts anybody: its command line, the configuration file, and the lines of whoever sits at the
// daemon's socket. Whatever stands there, it refuses in the form of every refusal, and starts nothing. Runs under sanitizers too
// (sanitizers.test.ts).

import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { artifactIdOf } from '../../src/format/artifact-id.js';
import { entryOf } from '../../src/format/entry.js';
import { formatVerifierKey } from '../../src/format/note.js';
import { encodeStatement, statementKind, statementPayloadType } from '../../src/format/statement.js';
import { parseJson } from '../../src/format/strict-json.js';
import { authorization, origin, TestLog } from '../verify/sealed-artifact.js';

const options = {
  timeout: 240_000,
  skip: process.platform === 'linux' ? false : 'the launcher is for Linux alone',
};
const launcher = fileURLToPath(new URL('../../../native/build/Release/writ-run', import.meta.url));
/** What a program would say that must not be started. */
const started = 'it was started';
const command = ['run', '--', '/usr/bin/echo', started];

interface Ending {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe('the launcher', options, () => {
  const directory = mkdtempSync(join(tmpdir(), 'writ-input-'));
  const socketPath = join(directory, 'socket');
  const log = new TestLog();
  const statement = authorization();
  const sealed = log.sealStatement(statement);
  const id = artifactIdOf(
    entryOf(statementKind(statement), statementPayloadType, encodeStatement(statement)).digests,
  );
  /** What the one at the socket says to the next who asks something. */
  let said: Buffer = Buffer.alloc(0);
  let daemon: Server;

  before(async () => {
    const vkey = formatVerifierKey(log.key);
    const trust = { type: 'urn:writ:trust:v1', logs: [{ origin, vkey, retired: null }], artifactKeys: [] };
    writeFileSync(join(directory, 'trust.json'), JSON.stringify(trust));
    daemon = createServer((client) => {
      client.on('error', () => {});
      client.once('data', () => client.end(said));
    });
    daemon.listen(socketPath);
    await once(daemon, 'listening');
  });
  after(() => {
    daemon.close();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Starts it where no Node can be found that it might hand on to. */
  const launch = async (words: readonly string[], settings: Record<string, string> = {}): Promise<Ending> => {
    const { WRIT_HOME: _, WRIT_CONFIG: __, WRIT_SOCKET: ___, ...inherited } = process.env;
    const env = { ...inherited, PATH: directory, WRIT_HOME: directory, ...settings };
    const child: ChildProcessByStdio<null, Readable, Readable> = spawn(launcher, words, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
    });
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => {
        texts[name] += text;
      });
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, ...texts };
  };

  /** A refusal that says why: a document with --json, lines otherwise, and nothing besides. */
  const assertRefused = ({ code, stdout, stderr }: Ending) => {
    assert.doesNotMatch(stderr, /Sanitizer|runtime error/);
    assert.ok(code === 1 || code === 2 || code === 3, `${code}: ${stderr}`);
    assert.notEqual(stdout, `${started}\n`);
    if (stdout === '') assert.match(stderr, /^(writ: |denied)/);
    else assert.equal(typeof parseJson(stdout), 'object');
  };

  const mutated = (text: string) =>
    fc
      .array(fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }), skip: fc.nat(6) }), {
        maxLength: 3,
      })
      .map((mutations) =>
        mutations.reduce<Buffer>((bytes, { at, byte, skip }) => {
          const place = at % (bytes.length + 1);
          return Buffer.concat([bytes.subarray(0, place), Buffer.of(byte), bytes.subarray(place + skip)]);
        }, Buffer.from(text)),
      );

  test('refuses command lines that are none, and values that no option takes', options, async () => {
    const flags = [
      '--limit',
      '--descend',
      '--ttl',
      '--run-seconds',
      '--bind',
      '--confine',
      '--parent',
      '--agent',
    ];
    const value = fc.oneof(
      fc.constantFrom(
        'cpu=',
        'memory=9007199254740991T',
        'cpu=1,cpu=2',
        '/a,,b',
        '-1',
        '00',
        '1e9',
        '=',
        ',',
      ),
      fc.constantFrom('memory=8T', 'cpu=5,memory=1G', 'none', '/usr/bin/ls,/usr/bin/id', '5', 'uid', 'tree'),
      fc.string().map((text) => text.replaceAll('\0', '')),
    );
    const option = fc.tuple(fc.constantFrom(...flags), value, fc.boolean());
    const words = fc
      .array(option, { maxLength: 4 })
      .map((chosen) =>
        chosen.flatMap(([flag, text, joined]) => (joined ? [`${flag}=${text}`] : [flag, text])),
      );
    const nowhere = { WRIT_SOCKET: join(directory, 'nobody') };
    await fc.assert(
      fc.asyncProperty(words, fc.boolean(), async (chosen, isBefore) => {
        const [run = '', ...rest] = command;
        const line = isBefore ? [...chosen, run, ...rest] : [run, ...chosen, ...rest];
        assertRefused(await launch(line, nowhere));
      }),
      { numRuns: 60 },
    );
  });

  test('refuses configuration files that are none', options, async () => {
    const valid = `state = "${directory}"\n[socket]\npath = "${directory}/nobody"\nmode = "0660"\n[log]\norigin = "a/b"\n[[x]]\ny = 1979-05-27T07:32:00Z\nz = [1, 0x1f, 1e5, nan, '''a''']\n`;
    // On these the parser of the TOML library ends in an assertion of its own.
    const surprising = ['[\n', '[\0[x]]', 'y = 1979-05-27Tx7:32:00Z', 'z = [1, }'].map((text): [Buffer] => [
      Buffer.from(text),
    ]);
    const config = join(directory, 'fuzzed.toml');
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutated(valid), fc.uint8Array({ maxLength: 200 })), async (bytes) => {
        writeFileSync(config, bytes);
        const ending = await launch(['--json', '--socket', join(directory, 'nobody'), ...command], {
          WRIT_CONFIG: config,
        });
        assertRefused(ending);
        assert.ok(ending.code !== 1);
      }),
      { numRuns: 60, examples: surprising },
    );
  });

  test('refuses whatever it hears that is not a sealed answer to its question', options, async () => {
    const answer = (result: unknown) => JSON.stringify({ jsonrpc: '2.0', id: 1, result });
    const denials = [{ code: 'POLICY_DENIED', message: 'no', remedy: 'Ask.' }];
    const texts = [
      answer({ decision: 'allow', id, index: 2, artifact: sealed }),
      answer({ decision: 'deny', denials, evidence: null }),
      JSON.stringify({ jsonrpc: '2.0', id: 1, error: { code: -32_000, message: 'x', data: { code: 'X' } } }),
      JSON.stringify({ jsonrpc: '2.0', method: 'lease.stop', params: { lease: 'x', denials } }),
      `[${'['.repeat(40)}`,
      'x'.repeat(66_000),
    ];
    const line = fc.constantFrom(...texts).chain(mutated);
    const lines = fc
      .array(line, { minLength: 1, maxLength: 5 })
      .map((each) => Buffer.concat(each.flatMap((bytes) => [bytes, Buffer.from('\n')])));
    const trust = join(directory, 'trust.json');
    await fc.assert(
      fc.asyncProperty(lines, async (bytes) => {
        said = bytes;
        assertRefused(
          await launch(['--json', '--socket', socketPath, 'run', '--trust', trust, ...command.slice(1)]),
        );
      }),
      { numRuns: 120 },
    );
  });
});
