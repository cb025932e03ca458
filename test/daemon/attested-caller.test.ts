/** Callers joined with what a quote says: one object for each quote, alike to policies while quotes say the same. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AttestedCallers } from '../../src/daemon/attested-caller.js';
import type { Caller } from '../../src/daemon/caller.js';
import { Preparations } from '../../src/daemon/preparations.js';
import { RememberedTexts } from '../../src/format/jcs.js';
import type { Binding } from '../../src/format/predicate.js';
import { peer } from '../verify/sealed-artifact.js';
import { outside } from './unconnected.js';

const environment: readonly Binding[] = [
  { name: 'boot', value: 'b', source: 'kernel' },
  { name: 'zone', value: 'z', source: 'kernel' },
];
const caller: Caller = { peer, user: null, groups: [], environment, place: outside, run: null, likeness: {} };

function quoted(value: string, digit: string): readonly Binding[] {
  return [{ name: 'pcr', value, source: 'tpm', quote: `sha3-512:${digit.repeat(128)}` }];
}

test('joins what a quote says in its place, once for each quote', () => {
  const callers = new AttestedCallers(new RememberedTexts());
  assert.equal(callers.join(caller, []), caller);
  const first = quoted('same', '1');
  const joined = callers.join(caller, first);
  assert.deepEqual(
    joined.environment.map(({ name }) => name),
    ['boot', 'pcr', 'zone'],
  );
  assert.equal(callers.join(caller, first), joined);
  assert.notEqual(joined.likeness, caller.likeness);
});

test('is alike to policies under a newer quote that says the same, and not under one that says something else', () => {
  const callers = new AttestedCallers(new RememberedTexts());
  const before = callers.join(caller, quoted('same', '1'));
  const after = callers.join(caller, quoted('same', '2'));
  assert.notEqual(after, before);
  assert.equal(after.likeness, before.likeness);
  const changed = callers.join(caller, quoted('other', '3'));
  assert.notEqual(changed.likeness, before.likeness);
});

test('what was prepared under an earlier quote cites the newer one', () => {
  const callers = new AttestedCallers(new RememberedTexts());
  const preparations = new Preparations();
  const before = callers.join(caller, quoted('same', '1'));
  const kept = {
    terms: { environment: before.environment },
    decision: { input: new Uint8Array() },
    requestDigest: '',
    digests: null,
  } as unknown as Parameters<Preparations['keep']>[2];
  preparations.keep(before, 'request', kept);
  const after = callers.join(caller, quoted('same', '2'));
  assert.equal(preparations.find(after, 'request', null)?.terms.environment, after.environment);
  assert.equal(preparations.find(before, 'request', null)?.terms.environment, before.environment);
  const changed = callers.join(caller, quoted('other', '3'));
  assert.equal(preparations.find(changed, 'request', null), null);
});
