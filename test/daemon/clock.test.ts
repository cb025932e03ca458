/** The clock turned back and forward under a running daemon, and between two runs: denied with evidence, and nothing is burnt. */

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { decodeRecord } from '../../src/format/record.js';
import { allowed, codesOf, echo, freshNonce } from './requests.js';
import { withClient } from './rooted-state.js';
import { prepareState, type RunningDaemon, removeState, startDaemon } from './running-daemon.js';
import { steppedClockPreload } from './stepped-clock.js';

const hourMs = 3_600_000;

describe('a clock that is turned', () => {
  let daemon: RunningDaemon;
  let stateDirectory: string;
  let scratch: string;
  let environment: Readonly<Record<string, string>>;

  const turn = (byMs: number) => writeFile(join(scratch, 'step'), String(byMs));

  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'writ-clock-'));
    environment = { NODE_OPTIONS: await steppedClockPreload(scratch) };
    stateDirectory = await prepareState();
    daemon = await startDaemon({ stateDirectory, environment });
  });
  after(async () => {
    await turn(0);
    await daemon.stop();
    await removeState(stateDirectory);
    await rm(scratch, { recursive: true });
  });

  for (const [direction, byMs] of [
    ['back', -hourMs],
    ['forward', hourMs],
  ] as const) {
    test(`${direction}: nothing is granted, each refusal is logged, and what was granted is not burnt`, async () => {
      await withClient(daemon, async (writ) => {
        const { id } = allowed(await writ.authorize({ action: echo('t'), ttlSeconds: 600 }));
        await turn(byMs);
        for (const denied of [
          await writ.authorize({ action: echo('u') }),
          await writ.redeem({ id, nonce: freshNonce(), action: echo('t') }),
          await writ.statusStatement(),
        ]) {
          assert.ok(codesOf(denied).includes('CLOCK_UNTRUSTED'), codesOf(denied).join());
          assert.ok(denied.decision === 'deny' && denied.evidence !== null);
          const logged = allowed(await writ.entry({ index: denied.evidence.index }));
          assert.equal(logged.kind, 'denial');
        }
        await turn(0);
        // A time that was refused is no floor for later ones.
        allowed(await writ.redeem({ id, nonce: freshNonce(), action: echo('t') }));
      });
    });
  }

  test('back: a revocation is not held up by it, and carries no earlier time than what was logged', async () => {
    await withClient(daemon, async (writ) => {
      const { id, artifact } = allowed(await writ.authorize({ action: echo('r') }));
      await turn(-hourMs);
      const revoked = allowed(await writ.revoke({ id }));
      const record = decodeRecord(Buffer.from(revoked.artifact.payload, 'base64'));
      const granted = JSON.parse(Buffer.from(artifact.payload, 'base64').toString());
      assert.ok(record.time >= granted.predicate.validity.notBefore);
      await turn(0);
      assert.ok(
        codesOf(await writ.redeem({ id, nonce: freshNonce(), action: echo('r') })).includes('REVOKED'),
      );
    });
  });

  test('between two runs: the next run grants nothing until it is right again', async () => {
    for (const byMs of [-hourMs, hourMs]) {
      await daemon.stop();
      await turn(byMs);
      daemon = await startDaemon({ stateDirectory, environment });
      await withClient(daemon, async (writ) => {
        assert.deepEqual(codesOf(await writ.authorize({ action: echo('w') })), ['CLOCK_UNTRUSTED']);
        await turn(0);
        allowed(await writ.authorize({ action: echo('w') }));
      });
    }
  });
});
