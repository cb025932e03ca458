// A connection to a TPM on real swtpm instances: what the TPM tells about itself, its clock, its PCRs.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { openTpm } from '../../src/tpm/addon.js';
import { type Swtpm, startSwtpm } from './swtpm-home.js';
import { tpm2Tool } from './tpm2-tool.js';
import { useTpm } from './use-tpm.js';

let machine: Swtpm;
before(async () => {
  machine = await startSwtpm();
});
after(() => machine.close());

describe('a connection to a TPM', () => {
  it('tells what the TPM is', () => {
    const { firmwareVersion, ...properties } = useTpm(machine, (tpm) => tpm.properties());
    assert.ok(firmwareVersion > 0n);
    assert.deepEqual(properties, {
      manufacturer: 'IBM',
      vendor: 'SW TPM',
      lockoutCounter: 0,
      maxAuthFail: 3,
      inLockout: false,
      ownerAuthSet: false,
      hasSha256Pcrs: true,
      loadedCount: 0,
    });
  });

  it('gives as many random bytes as asked for, never the same', () => {
    useTpm(machine, (tpm) => {
      for (const sizeBytes of [1, 32, 33, 1024]) assert.equal(tpm.random(sizeBytes).length, sizeBytes);
      assert.notDeepEqual(tpm.random(32), tpm.random(32));
    });
  });

  it('counts boots', async () => {
    const before = useTpm(machine, (tpm) => tpm.readClock());
    await machine.reboot();
    const later = useTpm(machine, (tpm) => tpm.readClock());
    assert.ok(later.resetCount > before.resetCount);
    assert.equal(later.restartCount, 0);
  });

  it('reads all PCRs, more than one answer holds', () => {
    const all = Array.from({ length: 24 }, (_, index) => index);
    const values = useTpm(machine, (tpm) => tpm.readPcrs(all));
    assert.deepEqual(
      values.map(({ index }) => index),
      all,
    );
    assert.equal(values[0]?.value, '00'.repeat(32));
    // Dynamic root of trust: ones until a launch resets them (PC Client Platform TPM Profile, section 4.6.2).
    assert.equal(values[17]?.value, 'ff'.repeat(32));
  });

  it('sees what another program extended', () => {
    tpm2Tool(machine, 'pcrextend', `16:sha256=${'ab'.repeat(32)}`);
    const [value] = useTpm(machine, (tpm) => tpm.readPcrs([16]));
    const extended = createHash('sha256').update(Buffer.alloc(32)).update(Buffer.alloc(32, 0xab));
    assert.equal(value?.value, extended.digest('hex'));
  });

  it('does nothing after it was closed', () => {
    const tpm = openTpm(machine.tcti);
    tpm.close();
    tpm.close();
    assert.throws(() => tpm.readClock(), {
      name: 'TypeError',
      message: 'expected an open connection as the first argument',
    });
  });
});
