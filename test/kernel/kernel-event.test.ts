// The kernel's announcements, read from messages that were recorded and from messages that nobody would send.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseKernelEvent } from '../../src/kernel/kernel-event.js';
import { toldByEvents } from '../../src/kernel/vm-generation.js';
import { newGeneration } from './network-namespace.js';

const message = (...parts: readonly string[]) => parts.map((part) => `${part}\0`).join('');

/** Recorded on Linux 6.18, where root had written `change` to /sys/devices/virtual/mem/null/uevent. */
const recorded = message(
  'change@/devices/virtual/mem/null',
  'ACTION=change',
  'DEVPATH=/devices/virtual/mem/null',
  'SUBSYSTEM=mem',
  'SYNTH_UUID=0',
  'MAJOR=1',
  'MINOR=3',
  'DEVNAME=null',
  'DEVMODE=0666',
  'SEQNUM=819',
);

describe('parseKernelEvent', () => {
  it('reads a recorded message', () => {
    const event = parseKernelEvent(recorded);
    assert.equal(event?.action, 'change');
    assert.equal(event.devicePath, '/devices/virtual/mem/null');
    assert.equal(event.fields.get('DEVNAME'), 'null');
    assert.equal(event.fields.size, 9);
  });

  it('keeps what follows the first equals sign, and the last of what is said twice', () => {
    const event = parseKernelEvent(message('add@/a', 'A=1=2', 'B=', 'C=1', 'C=2', 'no sign', '=no key', ''));
    assert.deepEqual(
      [...(event?.fields ?? [])],
      [
        ['A', '1=2'],
        ['B', ''],
        ['C', '2'],
      ],
    );
  });

  const broken: readonly (readonly [string, string])[] = [
    ['nothing', ''],
    ['only an end', '\0'],
    ['a header that is not ended', 'change@/devices/a'],
    ['a last field that is not ended', `${recorded}NEW_VMG`],
    ['no action', message('@/devices/a', 'A=1')],
    ['no device', message('change@', 'A=1')],
    ['a path that is none', message('change@devices', 'A=1')],
    ['a message of udev', `libudev\0${message('change@/devices/a')}`],
  ];
  for (const [what, text] of broken) {
    it(`does not understand ${what}`, () => assert.equal(parseKernelEvent(text), null));
  }

  it('reads back every message of the right form, and never throws for another', () => {
    const text = fc.string({
      unit: fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)),
    });
    const key = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,10}$/);
    const fields = fc.uniqueArray(fc.tuple(key, text), { selector: ([name]) => name });
    fc.assert(
      fc.property(fc.constantFrom('add', 'change', 'remove'), text, fields, (action, path, said) => {
        const parts = said.map(([name, value]) => `${name}=${value}`);
        const event = parseKernelEvent(message(`${action}@/${path}`, ...parts));
        assert.deepEqual(event, { action, devicePath: `/${path}`, fields: new Map(said) });
      }),
    );
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (noise) => void parseKernelEvent(noise)));
  });
});

describe('toldByEvents', () => {
  const changed = message(...newGeneration);

  it('finds another generation among other announcements, also where some were lost', () => {
    for (const lost of [false, true])
      assert.equal(toldByEvents({ texts: [recorded, changed, recorded], lost }), 'changed');
  });

  it('does not take for it what only looks like it', () => {
    const lookalikes = ['SYNTH_ARG_NEW_VMGENID=1', 'DEVNAME=NEW_VMGENID=1', 'new_vmgenid=1', 'NEW_VMGENID'];
    for (const part of lookalikes)
      assert.equal(toldByEvents({ texts: [message('change@/devices/a', part)], lost: false }), 'same', part);
  });

  it('cannot tell where announcements are missing or not understood', () => {
    assert.equal(toldByEvents({ texts: [], lost: true }), 'lost');
    assert.equal(toldByEvents({ texts: [recorded, changed.slice(0, -3)], lost: false }), 'lost');
  });

  it('says of no part of the message that all is the same', () => {
    fc.assert(
      fc.property(fc.nat({ max: changed.length - 1 }), (length) => {
        const cut = changed.slice(0, length);
        // A message that was cut behind a whole field before the decisive one is another message.
        const whole = newGeneration
          .slice(0, 4)
          .some((_, count) => cut === message(...newGeneration.slice(0, count + 1)));
        if (!whole) assert.notEqual(toldByEvents({ texts: [cut], lost: false }), 'same');
      }),
    );
  });
});
