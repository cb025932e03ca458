/** Which run a process is inside of, by what the kernel shows of it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Run } from '../../src/daemon/runs/run.js';
import { RunTable } from '../../src/daemon/runs/run-table.js';
import type { ArtifactId } from '../../src/format/artifact-id.js';
import type { Confinement } from '../../src/format/lease.js';
import { outside, unconnectedSession } from './unconnected.js';

const daemonNamespace = '4026531836';

function leaseId(index: number): ArtifactId {
  return `sha3-512:${index.toString(16).padStart(128, '0')}`;
}

function run(index: number, confinement: Confinement, state: Run['state'] = 'live'): Run {
  const session = unconnectedSession();
  return { lease: { id: leaseId(index), index }, confinement, state, session } as Run;
}

function tableOf(...runs: readonly Run[]): { readonly table: RunTable; readonly ended: string[] } {
  const ended: string[] = [];
  const table = new RunTable(
    async ({ lease }, cause) => {
      ended.push(`${lease.index} ${cause}`);
    },
    () => '/writ-d',
  );
  for (const one of runs) table.add(one);
  return { table, ended };
}

const inGroup = run(1, { kind: 'cgroup', cgroup: '/writ-d/run-1' });
const inNamespace = run(2, { kind: 'pid-namespace', namespace: '4026532001', cgroup: null });
const nested = run(3, { kind: 'cgroup', cgroup: '/writ-d/run-1/run-3' });

test('a process is in the run whose group it is in, however deep below', () => {
  const { table } = tableOf(inGroup, inNamespace, nested);
  const held = (cgroup: string | null, ...namespaces: string[]) => {
    const holding = table.holding({ cgroup, pidNamespaces: [...namespaces, daemonNamespace] });
    return holding.holding === 'live' ? holding.run.lease.index : holding.holding;
  };
  assert.equal(held('/writ-d/run-1'), 1);
  assert.equal(held('/writ-d/run-1/own/deeper'), 1);
  assert.equal(held('/writ-d/run-1/run-3/own'), 3);
  assert.equal(held('/writ-d/run-12'), 'ended');
  assert.equal(held('/user.slice'), 'none');
  assert.equal(held(null), 'none');
  assert.equal(held('/user.slice', '4026532001'), 2);
  assert.equal(held('/user.slice', '4026532777', '4026532001'), 2);
  assert.equal(held('/user.slice', '4026532777'), 'none');
});

test('whoever is in a run that has ended is told so, and never taken for somebody outside', () => {
  const ending = run(4, { kind: 'pid-namespace', namespace: '4026532004', cgroup: null }, 'ending');
  const { table } = tableOf(inGroup, ending);
  assert.equal(table.holding({ cgroup: null, pidNamespaces: ['4026532004'] }).holding, 'ended');
  assert.equal(table.holding({ cgroup: '/writ-d/run-9/x', pidNamespaces: [] }).holding, 'ended');
  table.remove(inGroup);
  assert.equal(table.holding({ cgroup: '/writ-d/run-1', pidNamespaces: [] }).holding, 'ended');
  assert.deepEqual(table.holding(outside), { holding: 'none' });
});

test('only the live runs that are picked are ended', async () => {
  const { table, ended } = tableOf(inGroup, run(5, inGroup.confinement, 'ending'), inNamespace);
  const reason = { code: 'REVOKED', message: 'm', remedy: 'r' } as const;
  assert.equal(await table.endWhere(({ lease }) => lease.index !== 2, 'revoked', [reason]), 1);
  assert.deepEqual(ended, ['1 revoked']);
  table.hungUp(inNamespace.session);
  assert.deepEqual(ended, ['1 revoked', '2 runner-gone']);
});
