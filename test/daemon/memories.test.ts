// What the daemon remembers of requests is found again only by those whom it is about.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Caller } from '../../src/daemon/caller.js';
import { type Preparation, Preparations } from '../../src/daemon/preparations.js';
import { RecentGrants, type SealedGrant } from '../../src/daemon/recent-grants.js';
import { authorization, peer } from '../verify/sealed-artifact.js';
import { outside } from './unconnected.js';

const digests = { sha3_512: 'a'.repeat(128), blake2b: 'b'.repeat(128), sha256: 'c'.repeat(64) };
const environment: Caller['environment'] = [];
const caller = (): Caller => ({
  peer,
  user: null,
  groups: [],
  environment,
  place: outside,
  run: null,
  likeness: {},
});

function preparation(own: Preparation['digests'], inputBytes = 10): Preparation {
  const input = new Uint8Array(inputBytes);
  return { terms: { environment }, decision: { input }, digests: own } as unknown as Preparation;
}

describe('Preparations', () => {
  it('are found by the same caller, text and digests, and by no others', () => {
    const preparations = new Preparations();
    const [first, second] = [caller(), caller()];
    const kept = preparation(digests);
    preparations.keep(first, 'text', kept);
    assert.equal(preparations.find(first, 'text', digests), kept);
    assert.equal(preparations.find(second, 'text', digests), null);
    assert.equal(preparations.find(first, 'other text', digests), null);
    assert.equal(preparations.find(first, 'text', { ...digests }), null);
    assert.equal(preparations.find(first, 'text', null), null);
  });

  it('are not kept where they would take much memory', () => {
    const preparations = new Preparations();
    const one = caller();
    preparations.keep(one, 'x'.repeat(60_000), preparation(null));
    preparations.keep(one, 'text', preparation(null, 60_000));
    assert.equal(preparations.find(one, 'x'.repeat(60_000), null), null);
    assert.equal(preparations.find(one, 'text', null), null);
  });
});

describe('RecentGrants', () => {
  const grant = (index: number, digit = '0'): SealedGrant => ({
    entry: { id: `sha3-512:${digit.repeat(128)}`, index, kind: 'authorization' },
    statement: authorization() as SealedGrant['statement'],
  });

  it('are found by id at their place, and never under another id', () => {
    const grants = new RecentGrants();
    const kept = grant(7, 'a');
    grants.keep(kept, 100);
    assert.equal(grants.find(kept.entry.id, [3, 7]), kept);
    assert.equal(grants.find(grant(7, 'b').entry.id, [7]), null);
    assert.equal(grants.find(kept.entry.id, []), null);
  });

  it('give way to newer ones, and leave long ones to the log', () => {
    const grants = new RecentGrants();
    grants.keep(grant(1, 'a'), 100);
    grants.keep(grant(1 + 4096, 'b'), 100);
    assert.equal(grants.find(grant(1, 'a').entry.id, [1]), null);
    grants.keep(grant(2, 'c'), 40_000);
    assert.equal(grants.find(grant(2, 'c').entry.id, [2]), null);
  });
});
