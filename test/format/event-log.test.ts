/** Measured boot on synthesised logs, held to a real swtpm and to tpm2_eventlog. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { concatBytes } from '../../src/format/bytes.js';
import { maxEventLogBytes, parseEventLog } from '../../src/format/event-log.js';
import {
  compareEventLogs,
  compareWithQuote,
  type PcrComparison,
  replayEventLog,
} from '../../src/format/event-log-replay.js';
import { hexDecode, hexEncode } from '../../src/format/hex.js';
import { sha256 } from '../../src/hash/sha256.js';
import { ToolTpm } from '../verify/tool-tpm.js';
import {
  boot,
  bothBanks,
  digestOf,
  eventBytes,
  header,
  logBytes,
  sha1Only,
  sha256Only,
  text,
  types,
  u16,
  u32,
  variable,
  type WrittenEvent,
} from './event-log-writer.js';

const pcrs = [0, 4, 7, 8];

function extend(value: string, digest: string): string {
  return hexEncode(sha256(concatBytes(hexDecode(value), hexDecode(digest))));
}

const zeros = '00'.repeat(32);
const secureBoot = variable('SecureBoot', Uint8Array.of(1));

describe('an event log', () => {
  test('is read event by event, with the names of the profile', () => {
    const { events, startupLocality } = parseEventLog(logBytes(boot));
    assert.equal(startupLocality, 0);
    assert.equal(events.length, boot.length + 1);
    assert.deepEqual(
      events.slice(0, 3).map(({ number, pcr, typeName, digest }) => ({ number, pcr, typeName, digest })),
      [
        { number: 0, pcr: 0, typeName: 'EV_NO_ACTION', digest: null },
        { number: 1, pcr: 0, typeName: 'EV_S_CRTM_VERSION', digest: digestOf(text('v1')) },
        {
          number: 2,
          pcr: 7,
          typeName: 'EV_EFI_VARIABLE_DRIVER_CONFIG',
          digest: digestOf(secureBoot),
        },
      ],
    );
    const unknown = { pcr: 1, type: 0x1234, data: text('?') };
    assert.equal(parseEventLog(logBytes([unknown])).events[1]?.typeName, '0x00001234');
  });

  test('says where a digest is not that of the data, for types where it must be', () => {
    const forged: WrittenEvent = {
      pcr: 7,
      type: types.driverConfig,
      data: secureBoot,
      digest: zeros,
    };
    const { events } = parseEventLog(logBytes([...boot, forged]));
    assert.deepEqual(
      events.map(({ isDigestOfData }) => isDigestOfData),
      [null, true, true, true, true, true, true, true, null, null, null, false],
    );
  });

  test('with the SHA-256 bank alone, or with data of the vendor in its header, is the same', () => {
    const expected = replayEventLog(logBytes(boot)).pcrs;
    assert.deepEqual(replayEventLog(logBytes(boot, sha256Only)).pcrs, expected);
    const events = boot.map((event) => eventBytes(event));
    const branded = concatBytes(header(bothBanks, 'Spec ID Event03\0', text('vendor')), ...events);
    assert.deepEqual(replayEventLog(branded).pcrs, expected);
  });

  const locality = (value: number): WrittenEvent => ({
    pcr: 0,
    type: types.noAction,
    data: concatBytes(text('StartupLocality\0'), Uint8Array.of(value)),
  });

  test('begins PCR 0 with the locality that started the TPM', () => {
    const replayed = replayEventLog(logBytes([locality(3), ...boot.slice(0, 1)]));
    assert.equal(replayed.startupLocality, 3);
    const start = `${'00'.repeat(31)}03`;
    assert.deepEqual(replayed.pcrs, [{ index: 0, value: extend(start, digestOf(text('v1'))) }]);
    const same = compareWithQuote(replayed, [{ index: 0, value: extend(start, digestOf(text('v1'))) }]);
    assert.equal(same[0]?.outcome, 'same');
  });

  const refusals: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['no bytes', new Uint8Array(0), /cut short/],
    ['the older form', header(bothBanks, 'Spec ID Event00\0'), /older form, which has only SHA-1 digests/],
    [
      'SHA-1 events without a header',
      concatBytes(u32(0), u32(8), new Uint8Array(20), u32(2), text('v1')),
      /older form, which has only SHA-1 digests/,
    ],
    ['no SHA-256 digests', logBytes(boot, sha1Only), /no SHA-256 digests/],
    ['a header without algorithms', header([]), /names no number of algorithms/],
    ['an algorithm twice', header([...sha256Only, ...sha256Only]), /names an algorithm twice/],
    ['a SHA-256 of 20 bytes', header([{ number: 11, sizeBytes: 20, name: 'sha1' }]), /no SHA-256 digests/],
    [
      'a digest of no length',
      header([{ number: 11, sizeBytes: 0, name: '' }]),
      /digest of impossible length/,
    ],
    [
      'an event behind PCR 23',
      logBytes([{ pcr: 24, type: 8, data: text('') }]),
      /extends PCR 24, which no TPM has/,
    ],
    [
      'an event with a foreign digest',
      concatBytes(header(sha256Only), u32(0), u32(8), u32(1), u16(12), new Uint8Array(48), u32(0)),
      /digest that its header does not announce/,
    ],
    [
      'an event with two digests where there is one bank',
      concatBytes(header(sha256Only), u32(0), u32(8), u32(2)),
      /more digests than its header announces/,
    ],
    [
      'an event with the same digest twice',
      concatBytes(header(), u32(0), u32(8), u32(2), u16(11), new Uint8Array(32), u16(11), new Uint8Array(32)),
      /twice the same/,
    ],
    [
      'an event without a SHA-256 digest',
      concatBytes(header(), u32(0), u32(8), u32(1), u16(4), new Uint8Array(20), u32(0)),
      /without a SHA-256 digest/,
    ],
    [
      'an event of 4 GB',
      concatBytes(header(sha256Only), u32(0), u32(8), u32(1), u16(11), new Uint8Array(32), u32(0xffff_ffff)),
      /cut short/,
    ],
    ['a locality that there is not', logBytes([locality(5)]), /startup locality that there is not/],
    ['a locality told late', logBytes([...boot, locality(3)]), /startup locality after PCR 0 was extended/],
    ['a locality told twice', logBytes([locality(3), locality(4)]), /or twice/],
    ['more than any firmware writes', new Uint8Array(maxEventLogBytes + 1), /larger than/],
  ];
  for (const [what, bytes, message] of refusals) {
    test(`with ${what} is refused`, () => {
      assert.throws(() => parseEventLog(bytes), SyntaxError);
      assert.throws(() => parseEventLog(bytes), message);
    });
  }

  test('cut anywhere is refused, except between two events', () => {
    const whole = logBytes(boot);
    const ends = new Set([header().length]);
    for (const event of boot) ends.add(Math.max(...ends) + eventBytes(event).length);
    for (let length = 0; length < whole.length; length++) {
      if (ends.has(length)) parseEventLog(whole.subarray(0, length));
      else assert.throws(() => parseEventLog(whole.subarray(0, length)), SyntaxError);
    }
  });

  test('damaged in any way is read otherwise or refused', () => {
    const sample = logBytes(boot);
    const change = fc.tuple(fc.nat(sample.length - 1), fc.nat(255));
    const damaged = fc.array(change, { minLength: 1, maxLength: 6 }).map((changes) => {
      const bytes = sample.slice();
      for (const [at, value] of changes) bytes[at] = value;
      return bytes;
    });
    const tail = fc.uint8Array({ maxLength: 200 }).map((bytes) => concatBytes(header(), bytes));
    fc.assert(
      fc.property(fc.oneof(damaged, tail, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        try {
          const log = replayEventLog(bytes);
          compareWithQuote(log, [{ index: 4, value: zeros }]);
        } catch (cause) {
          if (!(cause instanceof SyntaxError)) throw cause;
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the replay', () => {
  let tpm: ToolTpm;
  before(async () => {
    tpm = await ToolTpm.start();
  });
  after(() => tpm.stop());

  test('ends at what a real TPM holds that was extended with the same digests', () => {
    const random: readonly WrittenEvent[] = fc.sample(
      fc.record({
        pcr: fc.constantFrom(0, 1, 2, 5, 7, 16),
        type: fc.constantFrom(types.ipl, types.separator, types.action),
        data: fc.uint8Array({ maxLength: 40 }),
      }),
      20,
    );
    const events: readonly WrittenEvent[] = [
      ...boot,
      ...random,
      { pcr: 3, type: types.noAction, data: text('a remark') },
    ];
    for (const { pcr, type, data, digest } of events)
      if (type !== types.noAction) tpm.extend(pcr, digest ?? digestOf(data));
    const quoted = tpm.readPcrs([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 22, 23]);
    const replayed = replayEventLog(logBytes(events));
    assert.deepEqual(
      replayed.pcrs,
      quoted.filter(({ index }) => replayed.pcrs.some((pcr) => pcr.index === index)),
    );
    assert.deepEqual(
      compareWithQuote(replayed, quoted),
      quoted.map(({ index, value }) => ({ index, outcome: 'same', value })),
    );
  });

  test('ends where tpm2_eventlog says', () => {
    const path = join(tpm.directory, 'events');
    writeFileSync(path, logBytes(boot));
    const theirs = tpm.tool('eventlog', path);
    for (const { index, value } of replayEventLog(logBytes(boot)).pcrs)
      assert.match(theirs, new RegExp(`^ +${index} +: 0x${value}$`, 'm'));
  });
});

describe('a difference', () => {
  const log = replayEventLog(logBytes(boot));

  /** What a TPM would hold that measured these events, compared with the log of `boot`. */
  function differences(measured: readonly WrittenEvent[]): PcrComparison[] {
    const truth = replayEventLog(logBytes(measured));
    const quoted = pcrs.map(
      (index) => truth.pcrs.find((pcr) => pcr.index === index) ?? { index, value: zeros },
    );
    return compareWithQuote(log, quoted).filter(({ outcome }) => outcome === 'different');
  }

  function difference(measured: readonly WrittenEvent[]): unknown {
    const [only, ...others] = differences(measured);
    assert.ok(only?.outcome === 'different' && others.length === 0);
    return { index: only.index, ...only.difference };
  }

  test('is none where the TPM measured what the log says', () => assert.deepEqual(differences(boot), []));

  test('that an event was never measured names it', () => {
    // Event 3 is PK; the numbers begin with the header.
    assert.deepEqual(difference(boot.toSpliced(2, 1)), { index: 7, why: 'not-measured', event: 3 });
  });

  test('that the end of the log was never measured names the first event of it', () => {
    assert.deepEqual(difference(boot.toSpliced(7, 2)), { index: 4, why: 'ends-before', event: 8 });
    assert.deepEqual(difference(boot.slice(0, -1)), { index: 8, why: 'ends-before', event: 10 });
  });

  test('of order names the event that came later', () => {
    const [shim, grub] = [boot[7], boot[8]];
    assert.ok(shim !== undefined && grub !== undefined);
    assert.deepEqual(difference(boot.toSpliced(7, 2, grub, shim)), {
      index: 4,
      why: 'out-of-order',
      event: 8,
    });
  });

  test('that a digest of the log was changed names its event', () => {
    const changed = boot.with(1, {
      pcr: 7,
      type: types.driverConfig,
      data: secureBoot,
      digest: zeros,
    });
    const truth = replayEventLog(logBytes(boot)).pcrs;
    const [only] = compareWithQuote(replayEventLog(logBytes(changed)), truth).filter(
      ({ outcome }) => outcome === 'different',
    );
    assert.ok(only?.outcome === 'different');
    assert.deepEqual(only.difference, { why: 'other-digest', event: 2 });
  });

  test('by something that the log does not hold is unexplained', () => {
    const more = [...boot, { pcr: 7, type: types.ipl, data: text('more') }];
    assert.deepEqual(difference(more), { index: 7, why: 'unexplained' });
  });

  test('between two logs is what is neither at their common beginning nor at their common end', () => {
    const updated = boot.with(8, {
      pcr: 4,
      type: types.application,
      data: text('another grub'),
      digest: 'd4'.repeat(32),
    });
    const now = replayEventLog(logBytes([...updated, { pcr: 9, type: types.ipl, data: text('initrd') }]));
    assert.deepEqual(compareEventLogs(log, log), []);
    const [pcr4, pcr9, ...others] = compareEventLogs(log, now);
    assert.deepEqual(others, []);
    assert.deepEqual([pcr4?.pcr, pcr4?.before.map(({ number }) => number)], [4, [9]]);
    assert.deepEqual(
      pcr4?.now.map(({ digest }) => digest),
      ['d4'.repeat(32)],
    );
    assert.deepEqual([pcr9?.pcr, pcr9?.before.length, pcr9?.now.length], [9, 0, 1]);
  });

  test('in a PCR that the log never extends is unexplained, and its start is known', () => {
    const asStarted = [
      { index: 9, value: zeros },
      { index: 17, value: 'ff'.repeat(32) },
    ];
    assert.ok(compareWithQuote(log, asStarted).every(({ outcome }) => outcome === 'same'));
    const [changed] = compareWithQuote(log, [{ index: 9, value: 'ff'.repeat(32) }]);
    assert.ok(changed?.outcome === 'different');
    assert.deepEqual(changed.difference, { why: 'unexplained' });
  });
});
