// NV counters on real swtpm instances.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { type Swtpm, startSwtpm } from './swtpm-home.js';
import { tpm2Tool } from './tpm2-tool.js';
import { useTpm } from './use-tpm.js';

const index = 0x0180_0001;

let machine: Swtpm;
before(async () => {
  machine = await startSwtpm();
});
after(() => machine.close());

describe('a counter', () => {
  it('only goes up, also when it is removed and made again', () => {
    useTpm(machine, (tpm) => {
      const made = tpm.defineCounter(index);
      assert.deepEqual(tpm.counterPublic(index), made);
      const first = tpm.readCounter(index);
      assert.equal(tpm.incrementCounter(index), first + 1);
      assert.equal(tpm.readCounter(index), first + 1);
      assert.throws(() => tpm.defineCounter(index), { code: 'TPM_PRESENT' });
      tpm.removeCounter(index);
      assert.throws(() => tpm.readCounter(index), { code: 'TPM_ABSENT' });
      assert.equal(tpm.defineCounter(index).name, made.name);
      assert.ok(tpm.readCounter(index) > first + 1);
      tpm.removeCounter(index);
    });
  });

  it('keeps its value through a loss of power', async () => {
    const value = useTpm(machine, (tpm) => {
      tpm.defineCounter(index);
      for (let count = 0; count < 5; count++) tpm.incrementCounter(index);
      return tpm.readCounter(index);
    });
    await machine.reboot();
    useTpm(machine, (tpm) => {
      assert.equal(tpm.readCounter(index), value);
      tpm.removeCounter(index);
    });
  });

  it('is written by the owner, read by everybody, and not orderly', () => {
    const { attributes, name, publicArea } = useTpm(machine, (tpm) => tpm.defineCounter(index));
    // NT counter, OWNERWRITE, OWNERREAD, AUTHREAD, NO_DA, WRITTEN (Part 2, section 13.4).
    assert.equal(attributes, 0x2206_0012);
    assert.equal(name, `000b${createHash('sha256').update(publicArea).digest('hex')}`);
  });

  it('is no index of another kind', () => {
    tpm2Tool(machine, 'nvdefine', '0x01800009', '-C', 'o', '-s', '8');
    useTpm(machine, (tpm) => {
      for (const call of [tpm.readCounter, tpm.incrementCounter, tpm.removeCounter]) {
        assert.throws(() => call.call(tpm, 0x0180_0009), {
          code: 'TPM_ABSENT',
          message: /the NV index is no counter/,
        });
      }
    });
  });
});
