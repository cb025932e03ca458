/** Keys that follow one another: handed over at a start, under fire, and reported as lost. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect, type WritClient } from '../../src/client/client.js';
import { base64Encode } from '../../src/format/base64.js';
import { type Envelope, sealEnvelope } from '../../src/format/dsse.js';
import { parseTrust } from '../../src/format/trust.js';
import { utf8Encode } from '../../src/format/utf8.js';
import { readKeysFile } from '../../src/hsm/keys-file.js';
import { trustAfterHandOver } from '../../src/verify/hand-over.js';
import { offlineSituation } from '../../src/verify/situation.js';
import { verify } from '../../src/verify/verify.js';
import { writ } from '../cli/command-line.js';
import { allowed, codesOf, echo, freshNonce, trustOf } from './requests.js';
import {
  copyState,
  DaemonStartError,
  prepareState,
  type RunningDaemon,
  removeState,
  startDaemon,
} from './running-daemon.js';

const daemonMain = fileURLToPath(new URL('../../src/daemon/main.js', import.meta.url));

async function withDaemon<Result>(
  stateDirectory: string,
  work: (client: WritClient, daemon: RunningDaemon) => Promise<Result>,
): Promise<Result> {
  const daemon = await startDaemon({ stateDirectory });
  try {
    const client = await connect({ socketPath: daemon.socketPath });
    try {
      return await work(client, daemon);
    } finally {
      await client.close();
    }
  } finally {
    assert.equal(await daemon.stop(), 0);
  }
}

const cli = (state: string, ...words: string[]) => writ(words, { home: state });

async function succeed(state: string, ...words: string[]): Promise<string> {
  const ended = await cli(state, ...words);
  assert.equal(ended.exitCode, 0, ended.stderr + ended.stdout);
  return ended.stdout;
}

const grant = async (client: WritClient, text: string) =>
  allowed(await client.authorize({ action: echo(text), ttlSeconds: 3600 }));

/** The same artifact with a proof under the newest checkpoint. */
async function proven(client: WritClient, index: number, envelope: Envelope): Promise<Envelope> {
  const { proof } = allowed(await client.proof({ index }));
  const payload = Buffer.from(envelope.payload, 'base64');
  return sealEnvelope(envelope.payloadType, payload, 'k', utf8Encode(proof));
}

const codes = (artifact: unknown, trust: Parameters<typeof verify>[1]) => {
  const verdict = verify(artifact, trust, offlineSituation(Date.now()));
  return verdict.verdict === 'valid' ? [] : verdict.denials.map(({ code, message }) => `${code}: ${message}`);
};

/** By what the daemon has logged, and by what lies in its state directory. */
const moments: readonly (readonly [string, (log: string, state: string) => boolean])[] = [
  ['once its journal is open', (_log, state) => existsSync(join(state, 'index.sqlite-wal'))],
  ['once the new key is sealed', (log) => log.includes('new keys take over')],
  ['once the proof of that is written', (_log, state) => handOversIn(state).length > 0],
  [
    'once the new keys count',
    (_log, state) => !readFileSync(join(state, 'keys.json'), 'utf8').includes('next'),
  ],
];

function handOversIn(state: string): string[] {
  const directory = join(state, 'hand-over');
  return existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith('.json')) : [];
}

const digestsOf = (digit: string) => ({
  sha3_512: digit.repeat(128),
  blake2b: digit.repeat(128),
  sha256: digit.repeat(64),
});

describe('a log key that is rotated', () => {
  let state: string;
  let before1: Awaited<ReturnType<typeof grant>>;
  let pinnedBefore: string;
  before(async () => {
    state = await prepareState();
    before1 = await withDaemon(state, (client) => grant(client, 'before'));
    pinnedBefore = readFileSync(join(state, 'trust.json'), 'utf8');
    await succeed(state, 'provision', 'rotate', 'log');
  });
  after(() => removeState(state));

  it('is followed by the next one at the next start, in the same log', async () => {
    const old = readKeysFile(join(state, 'keys.json'));
    const origin = parseTrust(JSON.parse(pinnedBefore)).logs[0]?.origin;
    await withDaemon(state, async (client) => {
      const status = await client.status();
      assert.equal(status.log.origin, origin);
      const now = readKeysFile(join(state, 'keys.json'));
      assert.deepEqual(now.keys.log, old.succession.next.log);
      assert.equal(now.succession.next.log, null);
      assert.deepEqual(
        now.succession.retired.map(({ role, id }) => ({ role, id })),
        [{ role: 'log', id: old.keys.log.id }],
      );
      const artifact = await grant(client, 'after');
      assert.deepEqual(codes(artifact.artifact, await trustOf(state)), []);
      const again = await proven(client, before1.index, before1.artifact);
      assert.deepEqual(codes(again, await trustOf(state)), []);
    });
    const checked = await cli(state, 'log', 'check');
    assert.equal(checked.exitCode, 0, checked.stdout);
  });

  it('is believed of a smaller tree only where that is proven to lie under its final one', async () => {
    assert.match(
      codes(before1.artifact, await trustOf(state)).join(),
      /^BAD_SIGNATURE: .*nothing proves that it lies under it/,
    );
  });

  it('names its successor to whoever pinned it, and to nobody else', async () => {
    const [name = ''] = readdirSync(join(state, 'hand-over'));
    const envelope = JSON.parse(readFileSync(join(state, 'hand-over', name), 'utf8'));
    const verdict = trustAfterHandOver(JSON.parse(pinnedBefore), envelope);
    assert.ok(verdict.verdict === 'valid');
    assert.deepEqual(parseTrust(verdict.trust), await trustOf(state));
    assert.equal(trustAfterHandOver(verdict.trust, envelope).verdict, 'known');
    const other = await prepareState();
    try {
      await withDaemon(other, async () => undefined);
      const stranger = JSON.parse(readFileSync(join(other, 'trust.json'), 'utf8'));
      assert.equal(trustAfterHandOver(stranger, envelope).verdict, 'denied');
    } finally {
      await removeState(other);
    }
  });

  it('keeps the daemon from starting when the log is shorter than its final tree', async () => {
    const copy = await copyState(state);
    try {
      const path = join(copy, 'keys.json');
      const pins = JSON.parse(readFileSync(path, 'utf8'));
      pins.retired[0].final.size += 1000;
      writeFileSync(path, JSON.stringify(pins));
      await assert.rejects(startDaemon({ stateDirectory: copy }), (error) => {
        assert.ok(error instanceof DaemonStartError);
        assert.match(error.message, /entries are lost|last checkpoint/);
        return true;
      });
    } finally {
      await removeState(copy);
    }
  });

  it('does not sign again when its pins are put back', async () => {
    const copy = await copyState(state);
    try {
      const path = join(copy, 'keys.json');
      const pins = JSON.parse(readFileSync(path, 'utf8'));
      const [retired] = pins.retired;
      pins.keys.log = { id: retired.id, publicKey: retired.publicKey };
      delete pins.retired;
      writeFileSync(path, JSON.stringify(pins));
      await assert.rejects(startDaemon({ stateDirectory: copy }), /is not signed by this log's key/);
    } finally {
      await removeState(copy);
    }
  });

  it('can be rotated again, with the artifact key beside it', async () => {
    await succeed(state, 'provision', 'rotate', 'log');
    await succeed(state, 'provision', 'rotate', 'artifact');
    await withDaemon(state, async (client) => {
      const artifact = await grant(client, 'third');
      const exported = await client.export({ id: artifact.id });
      assert.equal(exported.decision, 'allow');
      const { artifactKey } = await client.status();
      const trust = await trustOf(state);
      assert.equal(trust.logs.length, 3);
      assert.ok(trust.artifactKeys.some((key) => base64Encode(key) === artifactKey));
      assert.equal(trust.artifactKeys.length, 2);
      const again = await proven(client, before1.index, before1.artifact);
      assert.deepEqual(codes(again, trust), []);
    });
  });
});

describe('a hand-over that is killed', () => {
  for (const [moment, hasCome] of moments) {
    it(`${moment} leaves a state that starts, with the whole log`, async () => {
      const state = await prepareState();
      try {
        const first = await withDaemon(state, (client) => grant(client, 'before'));
        await succeed(state, 'provision', 'rotate', 'log');
        const next = readKeysFile(join(state, 'keys.json')).succession.next.log;
        await killWhen(state, hasCome);
        await withDaemon(state, async (client) => {
          const { keys, succession } = readKeysFile(join(state, 'keys.json'));
          assert.deepEqual(keys.log, next);
          assert.equal(handOversIn(state).length, 1);
          const trust = await trustOf(state);
          const [old, current] = trust.logs;
          assert.deepEqual(old?.retired, succession.retired[0]?.final);
          assert.deepEqual(current?.key.publicKey, next?.publicKey);
          assert.deepEqual(codes((await grant(client, 'after')).artifact, trust), []);
          assert.deepEqual(codes(await proven(client, first.index, first.artifact), trust), []);
        });
        const checked = await cli(state, 'log', 'check');
        assert.equal(checked.exitCode, 0, checked.stdout);
      } finally {
        await removeState(state);
      }
    });
  }
});

describe('a log key that somebody else could use', () => {
  let state: string;
  before(async () => {
    state = await prepareState();
  });
  after(() => removeState(state));

  it('takes everything with it that was granted from that index on, and nothing before', async () => {
    const [kept, lost] = await withDaemon(state, async (client) => [
      allowed(await client.sign({ blob: { name: 'kept', sizeBytes: 1, digests: digestsOf('1') } })),
      allowed(await client.sign({ blob: { name: 'lost', sizeBytes: 1, digests: digestsOf('4') } })),
    ]);
    assert.ok(kept && lost);
    await succeed(state, 'provision', 'compromise', 'log', '--from', String(lost.index));
    await withDaemon(state, async (client) => {
      assert.equal((await client.export({ id: kept.id })).decision, 'allow');
      assert.deepEqual(codesOf(await client.export({ id: lost.id })), ['REVOKED']);
      const trust = await trustOf(state);
      assert.deepEqual(codes(await proven(client, kept.index, kept.artifact), trust), []);
      assert.match(codes(await proven(client, lost.index, lost.artifact), trust).join(), /^REVOKED: /);
      const fresh = allowed(
        await client.sign({ blob: { name: 'fresh', sizeBytes: 1, digests: digestsOf('7') } }),
      );
      assert.deepEqual(codes(fresh.artifact, trust), []);
    });
    // The log itself says it: another start reads it there.
    await withDaemon(state, async (client) => {
      assert.deepEqual(codesOf(await client.export({ id: lost.id })), ['REVOKED']);
      const redeemable = await grant(client, 'still works');
      allowed(await client.redeem({ id: redeemable.id, nonce: freshNonce(), action: echo('still works') }));
    });
  });

  it('is not marked from an index that the log has not reached, nor by an id that nobody knows', async () => {
    const beyond = await cli(state, 'provision', 'compromise', 'log', '--from', '100000');
    assert.equal(beyond.exitCode, 2);
    assert.match(beyond.stderr, /nothing was sealed from index 100000 on/);
    const unknown = await cli(state, 'provision', 'compromise', 'log', '--from', '0', '--key', 'ffff');
    assert.equal(unknown.exitCode, 2);
    assert.match(unknown.stderr, /knows no log key with the id ffff/);
  });
});

/** Starts a daemon and kills it as soon as the moment has come. */
async function killWhen(state: string, hasCome: (log: string, state: string) => boolean): Promise<void> {
  const child = spawn(process.execPath, [daemonMain], {
    env: { ...process.env, WRIT_HOME: state },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    log += text;
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  while (!hasCome(log, state)) {
    assert.equal(child.exitCode, null, log);
    await pause(1);
  }
  child.kill('SIGKILL');
  await ended;
  // Its signer process ends by itself when the daemon is gone.
  await pause(300);
}
