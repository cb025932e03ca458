/** Following revocations, against a real daemon: gapless from any index on, across a kill, and never slowed by who does not read. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connect, type WritClient } from '../../src/client/client.js';
import type { ArtifactId } from '../../src/format/artifact-id.js';
import { artifactIdOf } from '../../src/format/artifact-id.js';
import { entryOf } from '../../src/format/entry.js';
import { recordPayloadType } from '../../src/format/record.js';
import type { RevocationEvent } from '../../src/format/revocation-methods.js';
import { allowed, echo } from './requests.js';
import { withClient } from './rooted-state.js';
import { type RunningDaemon, removeState, startDaemon } from './running-daemon.js';

/** A client that follows, and what it was told so far. */
class Follower {
  readonly events: RevocationEvent[] = [];
  readonly current: Promise<number>;
  readonly #writ: WritClient;

  private constructor(writ: WritClient) {
    this.#writ = writ;
    writ.onNotification('revocations.event', (event) => this.events.push(event));
    this.current = new Promise((resolve) => {
      writ.onNotification('revocations.current', ({ size }) => resolve(size));
    });
  }

  static async open(daemon: RunningDaemon, since?: number): Promise<Follower> {
    const follower = new Follower(await connect({ socketPath: daemon.socketPath }));
    await follower.#writ.subscribeRevocations(since === undefined ? {} : { since });
    await follower.current;
    return follower;
  }

  async told(count: number): Promise<readonly (readonly [number, ArtifactId])[]> {
    while (this.events.length < count) await new Promise((resolve) => setTimeout(resolve, 10));
    return this.events.map(({ index, id }) => [index, id] as const);
  }

  close(): Promise<void> {
    return this.#writ.close();
  }
}

function programOf(number: number): string {
  return number.toString(16).padStart(128, '0');
}

describe('following revocations', () => {
  let daemon: RunningDaemon;
  const revoked: (readonly [number, ArtifactId])[] = [];

  async function revoke(params: Parameters<WritClient['revoke']>[0]): Promise<void> {
    const { index, id } = await withClient(daemon, async (writ) => allowed(await writ.revoke(params)));
    revoked.push([index, id]);
  }

  before(async () => {
    daemon = await startDaemon();
  });
  after(async () => {
    await daemon.stop();
    await removeState(daemon.stateDirectory);
  });

  test('brings what the log has and then what comes, each with the payload that its id digests', async () => {
    const { id } = await withClient(daemon, async (writ) =>
      allowed(await writ.authorize({ action: echo('x') })),
    );
    await revoke({ id });
    await revoke({ initiator: { uid: 4242 } });
    const follower = await Follower.open(daemon, 0);
    assert.deepEqual(await follower.told(2), revoked);
    await revoke({ key: `${'A'.repeat(43)}=` });
    assert.deepEqual(await follower.told(3), revoked);
    for (const event of follower.events) {
      const { digests } = entryOf('revocation', recordPayloadType, Buffer.from(event.payload, 'base64'));
      assert.equal(artifactIdOf(digests), event.id);
    }
    await follower.close();
  });

  test('leaves nothing out and repeats nothing, from any index on, after a kill and a restart', async () => {
    await daemon.kill();
    daemon = await startDaemon({ stateDirectory: daemon.stateDirectory });
    await revoke({ bundle: 'b'.repeat(128) });
    for (const from of [0, 1, 2, 3]) {
      const follower = await Follower.open(daemon, revoked[from]?.[0]);
      assert.deepEqual(await follower.told(revoked.length - from), revoked.slice(from));
      await follower.close();
    }
    const newest = await Follower.open(daemon);
    assert.deepEqual(newest.events, []);
    await revoke({ initiator: { uid: 4243 } });
    assert.deepEqual(await newest.told(1), revoked.slice(-1));
    await newest.close();
  });

  test('cuts off who does not read, while everybody else is served', { timeout: 120_000 }, async () => {
    const deaf = createConnection(daemon.socketPath);
    await once(deaf, 'connect');
    deaf.on('error', () => undefined);
    deaf.write('{"jsonrpc":"2.0","id":1,"method":"revocations.subscribe","params":{}}\n');
    deaf.pause();
    const gone = new Promise((resolve) => deaf.once('close', resolve));
    const follower = await Follower.open(daemon);
    let sent = 0;
    await withClient(daemon, async (writ) => {
      for (; deaf.readyState === 'open' && sent < 10_000; sent += 100) {
        const uids = Array.from({ length: 100 }, (_, number) => sent + number);
        const answers = await Promise.all(
          uids.map((number) => writ.revoke({ initiator: { uid: 7, executable: programOf(number) } })),
        );
        for (const answer of answers) allowed(answer);
        // A socket that is not read learns of its end only by writing.
        deaf.write(' ');
      }
    });
    deaf.resume();
    await gone;
    assert.ok(sent < 10_000, 'it was never cut off');
    await follower.told(sent);
    await follower.close();
  });
});
