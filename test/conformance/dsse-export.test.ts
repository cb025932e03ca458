/** The plain signature of an export is ordinary DSSE: openssl verifies it over a PAE that is built here by hand. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect } from '../../src/client/client.js';
import type { Envelope } from '../../src/format/dsse.js';
import { allowed, echo } from '../daemon/requests.js';
import { type RunningDaemon, removeState, startDaemon } from '../daemon/running-daemon.js';

/** `DSSEv1 SP len(type) SP type SP len(payload) SP payload`, straight from the specification. */
function preAuthenticationEncoding({ payloadType, payload }: Envelope): Buffer {
  const body = Buffer.from(payload, 'base64');
  return Buffer.concat([Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${body.length} `), body]);
}

describe('an export', () => {
  let daemon: RunningDaemon;
  before(async () => {
    daemon = await startDaemon();
  });
  after(async () => {
    await daemon.stop();
    await removeState(daemon.stateDirectory);
  });

  test('verifies with openssl under the artifact key, and not once a byte is changed', async () => {
    const writ = await connect({ socketPath: daemon.socketPath });
    const { id } = allowed(await writ.authorize({ action: echo('export') }));
    const exported = allowed(await writ.export({ id }));
    await writ.close();
    const path = (name: string) => join(daemon.stateDirectory, name);
    const [, plain] = exported.artifact.signatures;
    const spki = Buffer.concat([
      Buffer.from('302a300506032b6570032100', 'hex'),
      Buffer.from(exported.publicKey, 'base64'),
    ]);
    await writeFile(path('key.der'), spki);
    await writeFile(path('sig'), Buffer.from(plain?.sig ?? '', 'base64'));
    const verifies = async (message: Buffer): Promise<boolean> => {
      await writeFile(path('pae'), message);
      const args = [
        'pkeyutl',
        '-verify',
        '-pubin',
        '-keyform',
        'DER',
        '-inkey',
        path('key.der'),
        '-rawin',
        '-in',
        path('pae'),
        '-sigfile',
        path('sig'),
      ];
      return spawnSync('openssl', args).status === 0;
    };
    const encoding = preAuthenticationEncoding(exported.artifact);
    assert.equal(await verifies(encoding), true);
    encoding[40] = (encoding[40] ?? 0) ^ 1;
    assert.equal(await verifies(encoding), false);
  });
});
