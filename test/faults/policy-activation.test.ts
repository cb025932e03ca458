// The daemon killed while it activates a policy bundle: the next start decides by the old one or the new one, whole.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from '../../src/client/client.js';
import { activateDocument } from '../../src/client/policy-upload.js';
import { bundleDigest } from '../../src/format/bundle-digest.js';
import { decodeRecord } from '../../src/format/record.js';
import { digestOf, unsignedBundle } from '../daemon/governance/bundles.js';
import { allowed, echo } from '../daemon/requests.js';
import { prepareState, type RunningDaemon, removeState, startDaemon } from '../daemon/running-daemon.js';

const skip = process.getuid?.() === 0 ? false : 'the starter policy lets operators activate, which root is';
/** When to kill, as parts of how long an undisturbed activation took; at last as soon as it is answered. */
const moments = [0, 0.5, 0.85, 'answered'] as const;

/** The digest that the newest activation in the log names. */
async function loggedBundle({ socketPath }: RunningDaemon): Promise<string | null> {
  const writ = await connect({ socketPath });
  try {
    const { size } = await writ.checkpoint();
    for (let index = size - 1; index >= 0; index--) {
      const entry = allowed(await writ.entry({ index }));
      if (entry.kind !== 'policy' || entry.payload === null) continue;
      const record = decodeRecord(Buffer.from(entry.payload, 'base64'));
      if (record.type === 'urn:writ:policy:v1') return record.bundle;
    }
    return null;
  } finally {
    await writ.close();
  }
}

describe('kill -9 during an activation', { skip }, () => {
  test('leaves the bundle before or the one after, and never a mix', async () => {
    const stateDirectory = await prepareState();
    const outcomes = new Set<string>();
    try {
      let daemon = await startDaemon({ stateDirectory });
      let tookMs = 0;
      for (const [round, moment] of [null, ...moments].entries()) {
        const writ = await connect({ socketPath: daemon.socketPath });
        const before = (await writ.policy()).bundle;
        const document = unsignedBundle({ version: 100 + round });
        let answered = false;
        const activating = activateDocument(writ, document).then(
          (answer) => {
            answered = answer.decision === 'allow';
          },
          () => undefined,
        );
        const beganMs = performance.now();
        if (typeof moment === 'number') await pause(moment * tookMs);
        else await activating;
        tookMs = Math.max(tookMs, performance.now() - beganMs);
        await daemon.kill();
        await activating;
        daemon = await startDaemon({ stateDirectory });
        const again = await connect({ socketPath: daemon.socketPath });
        const { bundle, version, files } = await again.policy();
        assert.ok(bundle === before || bundle === digestOf(document), 'another bundle decides');
        if (answered) assert.equal(bundle, digestOf(document), 'an activation that was answered is lost');
        if (moment !== null) outcomes.add(bundle === before ? 'before' : 'after');
        assert.equal(bundleDigest(Object.fromEntries(files.map(({ name, text }) => [name, text]))), bundle);
        assert.equal(await loggedBundle(daemon), bundle);
        const artifact = allowed(await again.authorize({ action: echo('x') }));
        const statement = JSON.parse(Buffer.from(artifact.artifact.payload, 'base64').toString('utf8'));
        assert.deepEqual(
          [statement.predicate.policy.bundle, statement.predicate.policy.version],
          [bundle, version],
        );
        const kept = JSON.parse(await readFile(join(stateDirectory, 'policies', `${bundle}.json`), 'utf8'));
        assert.equal(bundleDigest(kept.files), bundle);
        await again.close();
      }
      await daemon.stop();
    } finally {
      await removeState(stateDirectory);
    }
    assert.deepEqual([...outcomes].sort(), ['after', 'before'], 'every kill came too early, or too late');
  });
});
