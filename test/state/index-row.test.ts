/** The row of each kind of entry, and the payloads that make none. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { exactText } from '../../src/format/exact-text.js';
import { EntryNotIndexableError, type IndexRow, maxTextLength, rowOf } from '../../src/state/index-row.js';
import {
  blobSignature,
  execution,
  keyRecord,
  MemoryLog,
  policyActivation,
  redemption,
  refusal,
  revocation,
  sampleEnd,
  sampleTime,
  someId,
  stopRecord,
  toolCall,
} from './index-source.js';

const nulls = {
  uid: null,
  decision: null,
  codes: null,
  subject: null,
  action: null,
  parent: null,
  depth: null,
  not_after: null,
  target: null,
  target_idx: null,
};
const granted: Partial<IndexRow> = { uid: 1000, decision: 'allow', depth: 0, not_after: sampleEnd };

const rows: readonly [string, (log: MemoryLog) => unknown, Partial<IndexRow>][] = [
  [
    'a command',
    (log) => log.addStatement(execution(['echo', 'a b'])),
    { kind: 'authorization', ...granted, subject: '/usr/bin/echo', action: 'execute echo a b' },
  ],
  [
    'a child',
    (log) => log.addStatement(execution(['echo'], someId(7))),
    {
      kind: 'authorization',
      ...granted,
      subject: '/usr/bin/echo',
      action: 'execute echo',
      parent: someId(7),
      depth: 1,
    },
  ],
  [
    'a tool call',
    (log) => log.addStatement(toolCall('search')),
    { kind: 'authorization', ...granted, subject: 'search', action: 'tool search' },
  ],
  [
    'a blob signature',
    (log) => log.addStatement(blobSignature('a.tar')),
    { kind: 'signature', ...granted, subject: 'a.tar', action: 'sign a.tar' },
  ],
  [
    'a denial, each code once',
    (log) => log.addStatement(refusal()),
    {
      kind: 'denial',
      uid: 1000,
      decision: 'deny',
      codes: 'POLICY_DENIED EXPIRED',
      subject: 'request',
      action: 'authorize',
    },
  ],
  [
    'a redemption',
    (log) => log.addRecord(redemption(someId(3), 3, 1001)),
    { kind: 'redemption', uid: 1001, target: someId(3), target_idx: 3 },
  ],
  [
    'a revocation by the daemon',
    (log) => log.addRecord(revocation(someId(4), 4, null)),
    { kind: 'revocation', uid: null, action: 'withdrawn', target: someId(4), target_idx: 4 },
  ],
  ['a policy', (log) => log.addRecord(policyActivation()), { kind: 'policy', subject: 'ab'.repeat(64) }],
  [
    'a key',
    (log) => log.addRecord(keyRecord()),
    { kind: 'key', subject: `${'A'.repeat(43)}=`, action: 'use log' },
  ],
  ['a stop', (log) => log.addRecord(stopRecord()), { kind: 'stop', subject: 'daemon' }],
];

describe('rowOf', () => {
  for (const [name, add, expected] of rows) {
    it(`makes the row of ${name}`, () => {
      const log = new MemoryLog();
      add(log);
      const [entry] = log.entries;
      assert.ok(entry !== undefined);
      assert.deepEqual(rowOf(entry), { ...nulls, idx: 0, id: entry.id, time: sampleTime, ...expected });
    });
  }

  it('keeps texts short and well-formed, whatever the arguments are', () => {
    const argument = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 600 }).filter((text) => !text.includes('\0')),
      fc.uint8Array({ min: 1, maxLength: 600 }).map(exactText),
    );
    fc.assert(
      fc.property(fc.array(argument, { minLength: 1, maxLength: 4 }), (argv) => {
        const { action } = rowOf(new MemoryLog().addStatement(execution(argv)));
        assert.ok(action?.startsWith('execute ') && action.length <= maxTextLength && action.isWellFormed());
      }),
    );
  });

  it('ends a cut text with an ellipsis, and never in half a character', () => {
    const text = '\u{1f600}'.repeat(600);
    const { action } = rowOf(new MemoryLog().addStatement(execution([text])));
    assert.equal(action?.length, maxTextLength);
    assert.ok(action?.endsWith('…') && action.isWellFormed());
  });

  it('refuses a payload of another kind than the one it is logged as', () => {
    const entry = new MemoryLog().addRecord(stopRecord());
    assert.throws(() => rowOf({ ...entry, index: 5, kind: 'start' }), {
      name: 'EntryNotIndexableError',
      message: 'log entry 5 cannot be indexed by this version: it is logged as start, its payload says stop',
    });
  });

  it('refuses a payload that it does not know', () => {
    const entry = new MemoryLog().addForeign();
    assert.throws(
      () => rowOf(entry),
      (cause) =>
        cause instanceof EntryNotIndexableError &&
        cause.message.startsWith('log entry 0 cannot be indexed by this version: not a record of ours'),
    );
  });
});
