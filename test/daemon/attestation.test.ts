/** Who waits for a quote, on a TPM of the test's own that fails when it is told to; the real ones are in tpm-faults.test.ts. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Attestation } from '../../src/daemon/attestation.js';
import { denial } from '../../src/format/denial.js';
import { formatNote } from '../../src/format/note.js';

const lost = { outcome: 'unavailable', denial: denial('TPM_UNAVAILABLE', 'no answer') } as const;
const never = new Promise<never>(() => undefined);
const vkey = 'log+00000000+AQ==';

describe('Attestation', () => {
  it('has requests wait for the first quote, and for none once the TPM is known to fail', async () => {
    const troubles: (string | null)[] = [];
    let nowMs = 0;
    let quotes = 0;
    let answers: () => Promise<typeof lost> = async () => lost;
    const attestation = new Attestation({
      attester: {
        key: { name: '', publicArea: new Uint8Array() },
        quote: () => {
          quotes++;
          return answers();
        },
      },
      vkey,
      checkpoint: () =>
        formatNote('log\n0\nAAAA\n', [
          { name: 'log', keyId: new Uint8Array(4), signature: new Uint8Array(64) },
        ]),
      record: () => assert.fail('nothing was quoted'),
      seal: () => assert.fail('nothing was quoted'),
      faultsOf: () => assert.fail('nothing was quoted'),
      nowMs: () => nowMs,
      periodMs: 1000,
      onTrouble: (trouble) => troubles.push(trouble?.code ?? null),
    });
    const first = attestation.bindings();
    assert.ok(first instanceof Promise);
    assert.deepEqual(await first, []);
    nowMs = 20_000;
    await attestation.fresh();
    assert.deepEqual(troubles, ['TPM_UNAVAILABLE'], 'told once, however often it fails');
    nowMs = 40_000;
    answers = () => never;
    assert.deepEqual(attestation.bindings(), []);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(quotes, 3, 'it is asked again, and nobody waits for the answer');
    assert.deepEqual(attestation.bindings(), []);
  });
});
