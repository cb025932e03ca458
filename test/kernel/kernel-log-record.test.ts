// Records of the kernel's log: recorded ones, and such as nobody would write.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseKernelLogRecord } from '../../src/kernel/kernel-log-record.js';
import { toldByLog } from '../../src/kernel/vm-generation.js';

/** Recorded from /dev/kmsg of Linux 6.18 on a machine that was restored from a snapshot while it ran (Firecracker). */
const restored = '5,342,1275439,-;random: crng reseeded due to virtual machine fork\n';
const dropped = '6,343,1332526,-;tokio-rt-worker (70): drop_caches: 3\n';
/** Written by hand, after the documentation: lines about a device, and the field that CONFIG_PRINTK_CALLER adds. */
const ofDevice = '6,2,10,-,caller=T1;sd 0:0:0:0: attached\n SUBSYSTEM=scsi\n DEVICE=+scsi:0:0:0:0\n';

describe('parseKernelLogRecord', () => {
  it('reads recorded ones', () => {
    const message = 'random: crng reseeded due to virtual machine fork';
    assert.deepEqual(parseKernelLogRecord(restored), { byKernel: true, message });
    assert.deepEqual(parseKernelLogRecord(ofDevice), { byKernel: true, message: 'sd 0:0:0:0: attached' });
  });

  it('tells what others wrote by its facility', () => {
    assert.equal(parseKernelLogRecord(restored.replace('5,', '13,'))?.byKernel, false);
  });

  it('understands nothing else, and never throws', () => {
    for (const wrong of ['', '\n', restored.slice(0, -1), restored.slice(2), `x${restored}`, '5,1,1,-\n'])
      assert.equal(parseKernelLogRecord(wrong), null, wrong);
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (noise) => void parseKernelLogRecord(noise)));
  });

  it('gives back every message', () => {
    const message = fc.string().filter((text) => !text.includes('\n'));
    fc.assert(
      fc.property(fc.nat(), fc.nat(), message, (priority, number, text) => {
        const record = parseKernelLogRecord(`${priority},${number},${number},-;${text}\n`);
        assert.deepEqual(record, { byKernel: priority < 8, message: text });
      }),
    );
  });
});

describe('toldByLog', () => {
  it('finds another generation among other records, also where some were lost', () => {
    for (const lost of [false, true])
      assert.equal(toldByLog({ texts: [dropped, restored, ofDevice], lost }), 'changed');
  });

  it('does not take for it what others wrote, or what only holds the words', () => {
    const forged = restored.replace('5,', '13,');
    const named = '6,9,9,-;traps: random: virtual machine fork[7] trap int3\n';
    assert.equal(toldByLog({ texts: [dropped, forged, named], lost: false }), 'same');
  });

  it('cannot tell where records are missing or not understood', () => {
    assert.equal(toldByLog({ texts: [dropped], lost: true }), 'lost');
    assert.equal(toldByLog({ texts: [dropped, restored.slice(0, 30)], lost: false }), 'lost');
  });
});
