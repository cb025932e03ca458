// Only what a caller belongs to is presented to Cedar, and all of that.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { StaticEntity } from '../../src/policy/cedar.js';
import { policyInput } from '../../src/policy/input.js';
import { memberships } from '../../src/policy/memberships.js';
import { execute, facts } from './facts.js';

const entity = (
  type: 'Group' | 'Role',
  id: string,
  ...parents: readonly StaticEntity['uid'][]
): StaticEntity => ({
  uid: { type: `Writ::${type}`, id },
  attrs: {},
  parents,
});
const role = (id: string): StaticEntity['uid'] => ({ type: 'Writ::Role', id });

const bundled = [
  entity('Role', 'top', role('looped')),
  entity('Role', 'looped', role('top')),
  entity('Role', 'middle', role('top')),
  entity('Role', 'user'),
  entity('Group', 'sudo', role('middle')),
  entity('Group', 'gid:27', role('middle')),
  entity('Group', 'other', role('elsewhere')),
];

const presented = (groups: readonly string[]): readonly string[] =>
  memberships(bundled, policyInput(facts(execute('/x'), { groups }))).map(({ uid }) => uid.id);

it('follows memberships upwards, once, even in a circle', () => {
  assert.deepEqual(presented(['sudo']), ['top', 'looped', 'middle', 'sudo']);
});

it('takes no role for a group of the same name, and presents nothing to a caller without groups', () => {
  assert.deepEqual(presented(['user']), []);
  assert.deepEqual(presented([]), []);
});
