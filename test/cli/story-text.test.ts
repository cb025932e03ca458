// The story of an evidence pack: in the order of the log, whatever kind of entry comes first.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Redecision } from '../../src/cli/evidence/redecide.js';
import { storyLines } from '../../src/cli/evidence/story-text.js';
import type { ArtifactId } from '../../src/format/artifact-id.js';
import type { EndCause, LeaseRecord } from '../../src/format/lease.js';
import type { Chapter, Placed } from '../../src/verify/evidence-chapter.js';
import { authorization, hex, nonce, origin } from '../verify/sealed-artifact.js';

const idAt = (index: number): ArtifactId => `sha3-512:${hex(String(index))}`;
const time = '2026-01-01T00:00:01.000Z';
const head = { log: origin, nonce, time };
const artifact = { artifact: idAt(1), artifactIndex: 1 };
const lease = { lease: idAt(3), leaseIndex: 3 };

function leaseAt(index: number): Placed<LeaseRecord> {
  return {
    id: idAt(index),
    index,
    record: {
      ...head,
      ...artifact,
      type: 'urn:writ:lease:v1',
      event: index === 3 ? 'open' : 'renew',
      redemption: idAt(2),
      redemptionIndex: 2,
      ...(index === 3 ? { lease: null, leaseIndex: null } : lease),
      until: `2026-01-01T00:00:0${index}.000Z`,
      deadline: { boot: 'boot', bootTimeMs: 1000 },
      confinement: { kind: 'cgroup', cgroup: '/writ/run' },
      process: { pid: 200, startTime: 6000 },
      descend: 'enforced',
    },
  };
}

/** A run with a revocation at 6, and its end at 7. */
function chapter(cause: EndCause): Chapter {
  return {
    decision: {
      id: idAt(1),
      index: 1,
      statement: authorization({}),
      checkpoint: { origin, size: 8, root: new Uint8Array(32) },
    },
    redemption: null,
    leases: [leaseAt(3), leaseAt(4), leaseAt(5)],
    end: {
      id: idAt(7),
      index: 7,
      record: { ...head, ...artifact, ...lease, type: 'urn:writ:end:v1', cause, status: null },
    },
    revocations: [
      {
        id: idAt(6),
        index: 6,
        record: {
          ...head,
          type: 'urn:writ:revocation:v1',
          target: { kind: 'artifact', id: idAt(1), index: 1 },
          cause: 'withdrawn',
          by: 0,
        },
      },
    ],
    quote: null,
    policy: [],
  };
}

function told(cause: EndCause, redecisions: readonly Redecision[] = []): string[] {
  const story = { chapters: [chapter(cause)], bundles: {}, size: 8, standing: null, unrelated: 0 } as const;
  return storyLines(story, redecisions);
}

function entries(lines: readonly string[]): number[] {
  return lines.flatMap((line) => /entry (\d)/.exec(line)?.[1] ?? []).map(Number);
}

test('a revocation is told before the end that it brought', () => {
  const lines = told('revoked');
  assert.deepEqual(entries(lines), [1, 3, 5, 6, 7]);
  assert.match(lines.at(-2) ?? '', /the run was ended \(revoked\)/);
});

test('a program that was never started is not told as one that ran', () => {
  const lines = told('not-started');
  assert.ok(lines.some((line) => line.includes('it was to run as process 200')));
  assert.match(lines.at(-2) ?? '', /its launcher could not start its program/);
});

test('a renewal that comes out otherwise is told, and one outcome of an entry once', () => {
  const at = (index: number) => ({ id: idAt(index), index });
  const lines = told('exited', [
    { ...at(4), outcome: 'different', reason: 'it says allow' },
    { ...at(5), outcome: 'same', engine: 'cedar' },
    { ...at(5), outcome: 'same', engine: 'cedar' },
  ]);
  assert.deepEqual(entries(lines), [1, 3, 4, 5, 6, 7]);
  const renewed = lines.findIndex((line) => line.includes('entry 4'));
  assert.equal(lines[renewed + 1], '  DECIDED OTHERWISE from the kept input: it says allow');
  assert.equal(lines.filter((line) => line.includes('decided again')).length, 1);
});
