// `writ policy replay`, `simulate` and `explain` on the state of a real daemon, which stops on the way.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect } from '../../src/client/client.js';
import { encodeFrame } from '../../src/log/journal-frame.js';
import { destroy, echo } from '../daemon/requests.js';
import { type RunningDaemon, removeState, startDaemon } from '../daemon/running-daemon.js';
import { withBundle } from '../policy/facts.js';
import { framesOf, rewritten } from '../policy/kept-log.js';
import { type Ended, writ } from './command-line.js';

let daemon: RunningDaemon;
let denialId: string;
let grantId: string;

const policy = (...words: readonly string[]): Promise<Ended> =>
  writ(['policy', ...words], { home: daemon.stateDirectory });

describe('writ policy on a history', { timeout: 240_000 }, () => {
  before(async () => {
    daemon = await startDaemon();
    const client = await connect({ socketPath: daemon.socketPath });
    const granted = await client.authorize({ action: echo('one') });
    assert.ok(granted.decision === 'allow');
    grantId = granted.id;
    const denied = await client.authorize({ action: destroy });
    assert.ok(denied.decision === 'deny' && denied.evidence !== null);
    denialId = denied.evidence.id;
    await client.close();
  });
  after(async () => {
    await daemon.stop();
    await removeState(daemon.stateDirectory);
  });

  test('explain says of a denial which policy forbade it, and by which facts', async () => {
    const { exitCode, stdout, stderr } = await policy('explain', denialId);
    assert.deepEqual([exitCode, stderr], [0, '']);
    assert.match(stdout, /^POLICY_DENIED The policy "nobody-destroys-data" forbids /);
    assert.match(
      stdout,
      /\nforbidden by\n {2}nobody-destroys-data \(forbid, applies\)\n {4}holds {3}\["dd", .*\.contains\(resource\.name\)\n/,
    );
    assert.match(stdout, /\n {14}resource\.name = "rm"\n/);
    const { explanations } = JSON.parse((await policy('explain', denialId, '--json')).stdout);
    assert.equal(explanations[0].ground, 'forbidden');
  });

  test('explain asks another bundle about what was decided', async () => {
    const text = '@id("nothing") forbid (principal, action, resource);';
    await withBundle({ 'starter.cedar': text }, async (directory) => {
      const { stdout } = await policy('explain', grantId, '--bundle', directory);
      assert.match(stdout, /^denied: The policy "nothing" forbids /);
    });
  });

  test('explain says what would be said to a command, and to a request in a file', async () => {
    const command = await policy('explain', '--', 'rm', '-rf', '/');
    assert.match(command.stdout, /^denied: The policy "nobody-destroys-data" forbids .*rm"\./);
    await withBundle(
      { 'request.toml': 'action = "sign"\ncaller = { uid = 7 }\nblob = { name = "x" }\n' },
      async (directory) => {
        const asked = await policy('explain', '--request', join(directory, 'request.toml'));
        assert.match(asked.stdout, /^denied: No policy .*\n {2}who {3}Writ::Caller::"uid:7"/);
        assert.match(asked.stdout, /MISSING principal in Writ::Role::"signers"\n/);
      },
    );
  });

  test('explain refuses what it cannot find, and says what to name', async () => {
    for (const [words, problem] of [
      [[], /name a decision/],
      [[`sha3-512:${'0'.repeat(128)}`], /the log holds no entry/],
      [['99999'], /the log holds no entry 99999/],
      [['--request', '/nonexistent'], /there is no file/],
      [['git', '--all'], /a command stands last, behind --/],
      [['5', '--', 'git'], /a command stands last, behind --/],
    ] as const) {
      const { exitCode, stderr } = await policy('explain', ...words);
      assert.equal(exitCode, 2);
      assert.match(stderr, problem);
    }
  });

  test('explain asks the daemon where the journal is out of reach', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'writ-no-journal-'));
    try {
      const { stdout, stderr } = await writ(['policy', 'explain', denialId, '--socket', daemon.socketPath], {
        home: elsewhere,
      });
      assert.match(stdout, /\nforbidden by\n {2}nobody-destroys-data /, stderr);
    } finally {
      await rm(elsewhere, { recursive: true });
    }
  });

  test('replay and simulate read beside the running daemon, and without it', async () => {
    const during = await policy('replay');
    assert.deepEqual([during.exitCode, during.stderr], [0, '']);
    assert.match(
      during.stdout,
      /^reproduced\n.*\n {2}decisions +2 reproduced, 0 differ, 0 could not be checked\n/,
    );
    await withBundle({ 'starter.cedar': '' }, async (directory) => {
      const simulated = await policy('simulate', '--bundle', directory, '--since', '1h');
      assert.equal(simulated.exitCode, 0);
      assert.match(
        simulated.stdout,
        /^2 decisions of the past, 1 unchanged\n1 would be denied\n {2}1 × execute Command/,
      );
      const wrong = await policy('simulate', '--bundle', directory, '--since', 'yesterday');
      assert.equal(wrong.exitCode, 2);
    });
    await daemon.stop();
    const { outcome } = JSON.parse((await policy('replay', '--json')).stdout);
    assert.equal(outcome, 'reproduced');
  });

  test('replay catches one changed decision, and a lost bundle', async () => {
    const copy = await mkdtemp(join(tmpdir(), 'writ-changed-'));
    try {
      await cp(daemon.stateDirectory, copy, { recursive: true });
      const frames = (await framesOf(copy)).map((read) =>
        read.kind === 'denial'
          ? rewritten(read, (document: { readonly predicate: { readonly policy: object } }) => ({
              ...document,
              predicate: {
                ...document.predicate,
                policy: { ...document.predicate.policy, decision: 'allow' },
              },
            }))
          : read.frame,
      );
      const [segment = ''] = await readdir(join(copy, 'journal'));
      await writeFile(join(copy, 'journal', segment), Buffer.concat(frames.map(encodeFrame)));
      const changed = await writ(['policy', 'replay'], { home: copy });
      assert.equal(changed.exitCode, 1);
      assert.match(changed.stdout, /^differs\n/);
      assert.match(
        changed.stdout,
        /\n {2}denial \d+: it says allow by "nobody-destroys-data"; decided again: deny by/,
      );
      await cp(join(daemon.stateDirectory, 'journal'), join(copy, 'journal'), { recursive: true });
      await rm(join(copy, 'policies'), { recursive: true });
      const lost = await writ(['policy', 'replay'], { home: copy });
      assert.equal(lost.exitCode, 1);
      assert.match(lost.stdout, /^incomplete\n/);
    } finally {
      await rm(copy, { recursive: true });
    }
  });

  test('replay reproduces no history that was cut short, broken in the middle, or forged', async () => {
    const frames = await framesOf(daemon.stateDirectory);
    const whole = Buffer.concat(frames.map(({ frame }) => encodeFrame(frame)));
    const broken = Uint8Array.from(whole);
    const middle = whole.length >> 1;
    broken[middle] = (broken[middle] ?? 0) ^ 1;
    const forged = frames.map((read) =>
      read.kind === 'authorization'
        ? rewritten(read, (document: { readonly predicate: { readonly governance: object } }) => ({
            ...document,
            // Decided again, it comes to the same.
            predicate: {
              ...document.predicate,
              governance: { ...document.predicate.governance, ticket: 'T-666' },
            },
          }))
        : read.frame,
    );
    const journals = {
      'cut short': encodeFrame(frames[0]?.frame ?? assert.fail('an empty journal')),
      broken,
      forged: Buffer.concat(forged.map(encodeFrame)),
    };
    for (const [what, journal] of Object.entries(journals)) {
      const copy = await mkdtemp(join(tmpdir(), 'writ-damaged-'));
      try {
        await cp(daemon.stateDirectory, copy, { recursive: true });
        const [segment = ''] = await readdir(join(copy, 'journal'));
        await writeFile(join(copy, 'journal', segment), journal);
        const { exitCode, stdout } = await writ(['policy', 'replay', '--json'], { home: copy });
        const { outcome, damage } = JSON.parse(stdout);
        assert.deepEqual([exitCode, outcome], [1, 'damaged'], what);
        assert.match(damage.where, /^journal/);
      } finally {
        await rm(copy, { recursive: true });
      }
    }
  });

  test('replay names a state that it may not read', async (context) => {
    const { exitCode, stderr } = await writ(['policy', 'replay'], { home: '/nonexistent', cwd: '/' });
    assert.equal(exitCode, 3);
    assert.match(stderr, /there is no journal at/);
    if (process.getuid?.() === 0) context.diagnostic('root may read everything: no refusal can be seen');
    else {
      await chmod(join(daemon.stateDirectory, 'journal'), 0);
      assert.equal((await policy('replay')).exitCode, 3);
      execFileSync('chmod', ['700', join(daemon.stateDirectory, 'journal')]);
    }
  });
});
