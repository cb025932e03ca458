/** A damaged position of a receipt in `views/` must not make the daemon hand out the receipt of another artifact. */

import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Caller } from '../../src/daemon/caller.js';
import { RedemptionQueue, redeem } from '../../src/daemon/methods/redeem.js';
import { RecentGrants } from '../../src/daemon/recent-grants.js';
import type { Counters, Services } from '../../src/daemon/services.js';
import type { ArtifactId } from '../../src/format/artifact-id.js';
import { redeemerNonceDigest } from '../../src/format/redeemer-nonce.js';
import { LogDamageError } from '../../src/log/damage.js';
import { spanEntries } from '../../src/log/journal-positions.js';
import { freshNonce, recordSubmission, SoftwareSigner, temporaryDirectory } from '../log/software-log.js';
import { fill, openSnapshotLog, sealed } from '../state/snapshot-log.js';
import { executeAction, origin, peer, predicate } from '../verify/sealed-artifact.js';
import { outside, unconnectedSession } from './unconnected.js';

const redeemerNonce = freshNonce();

test('the receipt that is given again is of the artifact that was asked for', {
  timeout: 120_000,
}, async () => {
  const directory = await temporaryDirectory();
  const made = await openSnapshotLog(directory.path, new SoftwareSigner());
  const ids = await fill(made.log, 100);
  const receiptOf = async (index: number) =>
    sealed(
      await made.log.append(
        recordSubmission(
          {
            type: 'urn:writ:redemption:v1',
            time: '2026-01-01T00:00:00.000Z',
            log: origin,
            nonce: freshNonce(),
            artifact: ids.get(index) as ArtifactId,
            artifactIndex: index,
            redeemerNonceDigest: redeemerNonceDigest(redeemerNonce),
            redeemer: { uid: peer.uid, gid: peer.gid },
          },
          'grant',
        ),
      ),
    ).index;
  const [, other] = [await receiptOf(5), await receiptOf(6)];
  await fill(made.log, spanEntries + 10);
  await made.snapshots.idle();
  // The pairs (5, receipt), (6, receipt) lie behind the anchors.
  const file = await open(join(directory.path, 'views', 'changes'), 'r+');
  await file.write(Uint32Array.of(5, other), 0, 8, 4 * 4096);
  await file.close();
  try {
    const id = ids.get(5) as ArtifactId;
    const recentGrants = new RecentGrants();
    const statement = {
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'echo', digest: executeAction.digests }],
      predicateType: 'urn:writ:authorization:v1',
      predicate,
    } as const;
    recentGrants.keep({ entry: { id, index: 5, kind: 'authorization' }, statement }, 1);
    const timeMs = Date.parse('2026-01-01T00:01:00.000Z');
    const services = {
      origin,
      vkey: 'v',
      log: made.log,
      views: made.views,
      recentGrants,
      counters: { increment: () => undefined } as unknown as Counters,
      clock: { now: () => ({ outcome: 'trusted', timeMs }), lastTrustedMs: () => timeMs },
      nonce: freshNonce,
      measureAction: () => ({ outcome: 'measured', action: executeAction, bindings: [] }),
      policy: {
        description: { bundle: predicate.policy.bundle },
        needsTime: false,
        decide: () => ({ decision: 'allow' }),
      },
    } as unknown as Services;
    const caller: Caller = {
      peer,
      user: null,
      groups: [],
      environment: predicate.environment,
      place: outside,
      run: null,
      likeness: {},
    };
    const answer = await redeem(services, new RedemptionQueue(), unconnectedSession(), caller, {
      id: 1,
      method: 'redeem',
      params: { id, action: executeAction, nonce: redeemerNonce },
    } as unknown as Parameters<typeof redeem>[4]).catch((cause: unknown) => cause);
    assert.ok(answer instanceof LogDamageError, 'it took the receipt for its own');
  } finally {
    await made.close();
    await directory.remove();
  }
});
