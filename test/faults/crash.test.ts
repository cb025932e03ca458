/** The daemon killed, its token gone, its disk full, its state rolled back: nothing acknowledged is lost, nothing is granted. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from '../../src/client/client.js';
import { decodeEntry } from '../../src/format/entry.js';
import { formatVerifierKey } from '../../src/format/note.js';
import type { Allowed } from '../../src/format/protocol.js';
import { offlineSituation } from '../../src/verify/situation.js';
import { verify } from '../../src/verify/verify.js';
import { foreignVerify } from '../conformance/foreign-verifier.js';
import { allowed, codesOf, echo, freshNonce, trustOf } from '../daemon/requests.js';
import {
  copyState,
  DaemonStartError,
  prepareState,
  removeState,
  signerPid,
  startDaemon,
} from '../daemon/running-daemon.js';

/** Keeps asking on several connections until the daemon is gone, and notes all that is acknowledged. */
async function load(socketPath: string, connections: number, acknowledged: Allowed[]): Promise<void> {
  const worker = async () => {
    const writ = await connect({ socketPath });
    for (;;) {
      const answers = await Promise.all([1, 2, 3, 4].map(() => writ.authorize({ action: echo('load') })));
      for (const answer of answers) if (answer.decision === 'allow') acknowledged.push(answer);
    }
  };
  await Promise.allSettled(Array.from({ length: connections }, worker));
}

describe('kill -9 in the middle of a load', () => {
  test('every acknowledged artifact still verifies and is in the log, and none can be redeemed any more', async () => {
    const daemon = await startDaemon();
    const { stateDirectory } = daemon;
    try {
      const trust = await trustOf(stateDirectory);
      const acknowledged: Allowed[] = [];
      const loaded = load(daemon.socketPath, 8, acknowledged);
      while (acknowledged.length < 200) await pause(5);
      await daemon.kill();
      await loaded;
      const again = await startDaemon({ stateDirectory });
      const writ = await connect({ socketPath: again.socketPath, trust });
      for (let first = 0; first < acknowledged.length; first += 100) {
        const some = acknowledged.slice(first, first + 100);
        const entries = await Promise.all(some.map(({ index }) => writ.entry({ index })));
        assert.deepEqual(
          entries.map((entry) => allowed(entry).id),
          some.map(({ id }) => id),
        );
        for (const { artifact } of some) {
          assert.equal(verify(artifact, trust, offlineSituation(Date.now())).verdict, 'valid');
        }
      }
      const last = acknowledged.at(-1);
      assert.ok(last);
      // A journal without its newest redemptions would look the same, and there is no TPM that would know.
      const late = await writ.redeem({ id: last.id, nonce: freshNonce(), action: echo('load') });
      assert.deepEqual(codesOf(late), ['STATE_UNVERIFIABLE']);
      const { id } = allowed(await writ.authorize({ action: echo('load') }));
      allowed(await writ.redeem({ id, nonce: freshNonce(), action: echo('load') }));
      await writ.close();
      assert.equal(await again.stop(), 0);
      const vkey = formatVerifierKey(trust.logs[0]?.key ?? assert.fail('no log in the trust bundle'));
      const answer = foreignVerify(stateDirectory, ['verify-log', vkey, join(stateDirectory, 'log')]);
      assert.ok(answer.accepted, answer.output);
    } finally {
      await removeState(stateDirectory);
    }
  });
});

describe('the token gone in the middle of a grant', () => {
  test('denies meanwhile, revokes what it could not seal, and goes on when the token is back', async () => {
    const daemon = await startDaemon({ flags: [], environment: {} });
    const { stateDirectory } = daemon;
    try {
      const trust = await trustOf(stateDirectory);
      const writ = await connect({ socketPath: daemon.socketPath, trust });
      allowed(await writ.authorize({ action: echo('before') }));
      const tokens = join(stateDirectory, 'softhsm2', 'tokens');
      await rename(tokens, `${tokens}.away`);
      process.kill(signerPid(daemon.pid), 'SIGSTOP');
      const during = writ.authorize({ action: echo('during') });
      const answer = await during;
      assert.deepEqual(codesOf(answer), ['HSM_UNAVAILABLE']);
      assert.equal((await writ.status()).state, 'degraded');
      await rename(`${tokens}.away`, tokens);
      for (let attempt = 0; attempt < 150 && (await writ.status()).state !== 'ready'; attempt++)
        await pause(100);
      const after = allowed(await writ.authorize({ action: echo('after') }));
      for (const words of ['nothing can be sealed', 'revoking a grant', 'sealing works again']) {
        assert.ok(daemon.log().includes(words), `the log says nothing of: ${words}`);
      }
      const kinds: string[] = [];
      for (let index = 0; index <= after.index; index++) {
        const { leaf } = allowed(await writ.entry({ index }));
        kinds.push(decodeEntry(new Uint8Array(Buffer.from(leaf, 'base64'))).kind);
      }
      const unsealed = kinds.lastIndexOf('revocation');
      assert.ok(unsealed > 0 && kinds.slice(0, unsealed).includes('authorization'), kinds.join(' '));
      const granted = kinds.flatMap((kind, index) => (kind === 'authorization' ? [index] : []));
      const abandoned = granted[1] ?? assert.fail('the unsealed grant is not in the log');
      assert.equal((await writ.proof({ index: abandoned })).decision, 'deny');
      await writ.close();
      assert.equal(await daemon.stop(), 0);
    } finally {
      await removeState(stateDirectory);
    }
  });

  test('a token that is missing at the start is a sentence, not a daemon', async () => {
    const stateDirectory = await prepareState();
    const tokens = join(stateDirectory, 'softhsm2', 'tokens');
    for (const token of await readdir(tokens)) await rm(join(tokens, token), { recursive: true });
    await assert.rejects(startDaemon({ stateDirectory }), (error: Error) => {
      assert.ok(error instanceof DaemonStartError);
      assert.equal(error.exitCode, 3);
      assert.match(error.message, /the token "writ development" \(serial [0-9a-f]+\) is not in/);
      return true;
    });
    await removeState(stateDirectory);
  });
});

describe('the state directory', () => {
  test('is owned by one daemon', async () => {
    const daemon = await startDaemon();
    try {
      await assert.rejects(startDaemon({ stateDirectory: daemon.stateDirectory }), (error: Error) => {
        assert.match(error.message, /another writd already runs on/);
        return error instanceof DaemonStartError && error.exitCode === 3;
      });
      const writ = await connect({ socketPath: daemon.socketPath });
      allowed(await writ.authorize({ action: echo('still here') }));
      await writ.close();
    } finally {
      await daemon.stop();
      await removeState(daemon.stateDirectory);
    }
  });

  test('is refused when the journal lost sealed entries', async () => {
    const daemon = await startDaemon();
    const { stateDirectory } = daemon;
    await daemon.stop();
    const [segment] = await readdir(join(stateDirectory, 'journal'));
    await truncate(join(stateDirectory, 'journal', segment ?? ''), 500);
    await assert.rejects(
      startDaemon({ stateDirectory }),
      /entries are lost.*starting on this one would fork the log/s,
    );
    await removeState(stateDirectory);
  });

  test('is refused when its journal is gone, rather than starting another log under the same key', async () => {
    const daemon = await startDaemon();
    const { stateDirectory } = daemon;
    await daemon.stop();
    await rm(join(stateDirectory, 'journal'), { recursive: true });
    await rm(join(stateDirectory, 'log'), { recursive: true });
    await assert.rejects(startDaemon({ stateDirectory }), (error: Error) => {
      assert.match(error.message, /journal is missing: its entries are lost\. Restore it/);
      return error instanceof DaemonStartError && error.exitCode === 3;
    });
    assert.deepEqual((await readdir(stateDirectory)).includes('journal'), false);
    await removeState(stateDirectory);
  });

  test('rolled back to a backup is noticed by the artifact that it lost', async () => {
    const daemon = await startDaemon();
    const { stateDirectory } = daemon;
    await daemon.stop();
    const backup = await copyState(stateDirectory);
    const newer = await startDaemon({ stateDirectory });
    const writ = await connect({ socketPath: newer.socketPath });
    const { artifact } = allowed(await writ.authorize({ action: echo('lost') }));
    await writ.close();
    await newer.stop();
    const older = await startDaemon({ stateDirectory: backup });
    const client = await connect({ socketPath: older.socketPath });
    assert.deepEqual(codesOf(await client.verifyRemotely({ artifact })), ['STATE_UNVERIFIABLE']);
    await client.close();
    await older.stop();
    await removeState(backup);
    await removeState(stateDirectory);
  });

  test('has no file replaced by a socket, and no directory made for one', async () => {
    const stateDirectory = await prepareState();
    const file = join(stateDirectory, 'precious.toml');
    await writeFile(file, 'kept');
    const refusals = [
      [file, /is a file and no socket/],
      [join(stateDirectory, 'none', 'writ.sock'), /the directory .*none for the socket does not exist/],
      [join(stateDirectory, 'x'.repeat(108)), /at most 107 are possible/],
    ] as const;
    for (const [path, message] of refusals) {
      await assert.rejects(startDaemon({ stateDirectory, flags: ['--socket', path] }), message);
    }
    assert.equal(await readFile(file, 'utf8'), 'kept');
    await removeState(stateDirectory);
  });

  test('restored without its index and published log loses nothing', async () => {
    const daemon = await startDaemon();
    const writ = await connect({ socketPath: daemon.socketPath });
    const artifact = allowed(await writ.authorize({ action: echo('kept') }));
    await writ.close();
    await daemon.stop();
    const copy = await copyState(daemon.stateDirectory);
    await rm(join(copy, 'index.sqlite'));
    await rm(join(copy, 'log'), { recursive: true });
    const again = await startDaemon({ stateDirectory: copy });
    const client = await connect({ socketPath: again.socketPath });
    assert.equal(allowed(await client.lineage({ id: artifact.id })).nodes.length, 1);
    const late = await client.redeem({ id: artifact.id, nonce: freshNonce(), action: echo('kept') });
    assert.deepEqual(codesOf(late), ['STATE_UNVERIFIABLE']);
    await client.close();
    await again.stop();
    const trust = await trustOf(copy);
    const vkey = formatVerifierKey(trust.logs[0]?.key ?? assert.fail('no log in the trust bundle'));
    assert.ok(foreignVerify(copy, ['verify-log', vkey, join(copy, 'log')]).accepted);
    await removeState(copy);
    await removeState(daemon.stateDirectory);
  });

  test('on a full disk: denied, healthy, and going on when there is room', async (context) => {
    if (process.getuid?.() !== 0) return context.skip('mounting a small file system needs root');
    const prepared = await prepareState();
    const mount = `${prepared}-mount`;
    execFileSync('mkdir', ['-p', mount]);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=700', 'tmpfs', mount]);
    try {
      execFileSync('cp', ['-a', `${prepared}/.`, mount]);
      const daemon = await startDaemon({ stateDirectory: mount });
      const writ = await connect({ socketPath: daemon.socketPath });
      const before = allowed(await writ.authorize({ action: echo('before') }));
      const doomed = allowed(await writ.authorize({ action: echo('doomed') }));
      await writeFile(join(mount, 'ballast'), Buffer.alloc(4 << 20)).catch((error: NodeJS.ErrnoException) => {
        assert.equal(error.code, 'ENOSPC');
      });
      const answers: string[] = [];
      for (let attempt = 0; attempt < 30; attempt++) {
        answers.push(...codesOf(await writ.authorize({ action: echo('y'.repeat(5000)) })));
        if (answers.length > 0) break;
      }
      assert.deepEqual(answers, ['LOG_UNAVAILABLE']);
      // A revocation counts, says that it is not logged yet, and is logged before anything is granted again.
      const unlogged = await writ.revoke({ id: doomed.id });
      assert.deepEqual(codesOf(unlogged), ['LOG_UNAVAILABLE']);
      assert.match(unlogged.decision === 'deny' ? unlogged.denials[0].message : '', /revoked from now on/);
      const spent = await writ.redeem({ id: doomed.id, nonce: freshNonce(), action: echo('doomed') });
      assert.ok(codesOf(spent).includes('REVOKED'));
      assert.equal((await writ.status()).log.origin.length > 0, true);
      await rm(join(mount, 'ballast'));
      for (let attempt = 0; attempt < 50; attempt++) {
        if ((await writ.authorize({ action: echo('again') })).decision === 'allow') break;
        await pause(100);
      }
      allowed(await writ.authorize({ action: echo('after') }));
      allowed(await writ.redeem({ id: before.id, nonce: freshNonce(), action: echo('before') }));
      await writ.close();
      await daemon.kill();
      const again = await startDaemon({ stateDirectory: mount });
      const after = await connect({ socketPath: again.socketPath });
      const late = await after.redeem({ id: doomed.id, nonce: freshNonce(), action: echo('doomed') });
      assert.ok(codesOf(late).includes('REVOKED'), codesOf(late).join());
      await after.close();
      assert.equal(await again.stop(), 0);
    } finally {
      execFileSync('umount', ['-l', mount]);
      await rm(mount, { recursive: true });
      await removeState(prepared);
    }
  });
});

describe('secrets', () => {
  test('no PIN is in the log, the arguments or the environment of any process', async () => {
    const daemon = await startDaemon({ flags: ['--log-level', 'trace'] });
    try {
      const pin = (await readFile(join(daemon.stateDirectory, 'softhsm2', 'user.pin'), 'utf8')).trim();
      assert.ok(pin.length >= 8);
      for (const pid of [daemon.pid, signerPid(daemon.pid)]) {
        for (const file of ['cmdline', 'environ']) {
          assert.ok(!(await readFile(`/proc/${pid}/${file}`, 'latin1')).includes(pin), `${file} of ${pid}`);
        }
      }
      assert.ok(!daemon.log().includes(pin));
    } finally {
      await daemon.stop();
      await removeState(daemon.stateDirectory);
    }
  });
});
