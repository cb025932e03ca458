/** Which run a connection belongs to: seen at connect time and at each request, and never forgotten. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GrantedArtifact } from '../../../src/daemon/granted-artifact.js';
import {
  ancestorRunFaults,
  callerRunFaults,
  parentRunFaults,
  reachFaults,
} from '../../../src/daemon/lineage/governance.js';
import { Observation } from '../../../src/daemon/lineage/observation.js';
import { isWithinRun } from '../../../src/daemon/lineage/subtree.js';
import type { Run } from '../../../src/daemon/runs/run.js';
import { RunTable } from '../../../src/daemon/runs/run-table.js';
import type { ArtifactId } from '../../../src/format/artifact-id.js';
import type { Validity } from '../../../src/format/predicate.js';
import { authorization, predicate } from '../../verify/sealed-artifact.js';
import { outside, unconnectedSession } from '../unconnected.js';

function idOf(name: string): ArtifactId {
  return `sha3-512:${Buffer.from(name).toString('hex').padStart(128, '0')}`;
}

const lease: Validity = {
  ...predicate.validity,
  use: 'lease',
  renewSeconds: 30,
  until: '2026-01-01T02:00:00.000Z',
};

function artifact(name: string, parent: GrantedArtifact | null = null, redeemed = true): GrantedArtifact {
  const statement = authorization({ validity: lease });
  assert.ok(statement.predicateType === 'urn:writ:authorization:v1');
  return {
    entry: { id: idOf(name), index: 1, kind: 'authorization' },
    statement,
    parent,
    state: { revoked: false, redeemed, void: false },
  } as GrantedArtifact;
}

let leases = 0;
function runOf(runs: RunTable, on: GrantedArtifact, cgroup: string): Run {
  const index = ++leases;
  const run = {
    lease: { id: idOf(`lease ${index}`), index },
    artifact: on,
    confinement: { kind: 'cgroup', cgroup },
    session: unconnectedSession(),
    state: 'live',
  } as unknown as Run;
  runs.add(run);
  return run;
}

function newTable(): RunTable {
  return new RunTable(
    async () => undefined,
    () => '/writ-d',
  );
}

const inGroup = (cgroup: string) => ({ ...outside, cgroup });

function told(observation: Observation, cgroup: string): string {
  const observed = observation.observe(inGroup(cgroup));
  return observed.outcome === 'denied'
    ? `${observed.denial.code}: ${observed.denial.message}`
    : (observed.run?.artifact ?? 'free');
}

test('a process in no run is free, until it is seen in one', () => {
  const runs = newTable();
  const build = artifact('build');
  runOf(runs, build, '/writ-d/run-a');
  const observation = new Observation(runs);
  assert.equal(told(observation, '/user.slice'), 'free');
  assert.equal(told(observation, '/writ-d/run-a/own/group'), build.entry.id);
  assert.match(told(observation, '/user.slice'), /^LINEAGE_BROKEN: the caller left the run/);
});

test('a connection that was made inside of a run belongs to it, wherever its process goes', () => {
  const runs = newTable();
  const build = artifact('build');
  const run = runOf(runs, build, '/writ-d/run-a');
  runOf(runs, artifact('other'), '/writ-d/run-b');
  const nested = artifact('test', build);
  runOf(runs, nested, '/writ-d/run-c');
  const observation = new Observation(runs);
  assert.equal(told(observation, '/writ-d/run-a'), build.entry.id);
  assert.match(told(observation, '/writ-d/run-b'), /went from the run .* into another one/);
  // A refusal changes nothing.
  assert.equal(told(observation, '/writ-d/run-a'), build.entry.id);
  assert.equal(told(observation, '/writ-d/run-c'), nested.entry.id);
  assert.match(told(observation, '/writ-d/run-a'), /into another one/);
  runs.remove(run);
  assert.match(told(observation, '/writ-d/run-a'), /^LINEAGE_BROKEN: .*a run that has ended/);
});

test('a run that is being ended, or has, is no place to ask from', () => {
  const runs = newTable();
  const run = runOf(runs, artifact('build'), '/writ-d/run-a');
  const observation = new Observation(runs);
  told(observation, '/writ-d/run-a');
  Object.assign(run, { state: 'ending' });
  assert.match(told(observation, '/writ-d/run-a'), /^LINEAGE_BROKEN: .*has ended/);
  assert.match(told(new Observation(runs), '/writ-d/run-a'), /^LINEAGE_BROKEN: .*has ended/);
  assert.match(told(new Observation(runs), '/writ-d/run-gone/x'), /^LINEAGE_BROKEN: .*has ended/);
});

test('what came of a run are the descendants of its authorization, and not that itself', () => {
  const build = artifact('build');
  const child = artifact('child', build);
  const grandchild = artifact('grandchild', child);
  const stranger = artifact('stranger');
  const inside = { run: { lease: idOf('lease'), artifact: build.entry.id } };
  const within = [build, child, grandchild, stranger].map((each) => isWithinRun(inside, each));
  assert.deepEqual(within, [false, true, true, false]);
  assert.equal(isWithinRun({ run: null }, child), false);
});

test('whoever is inside reaches for nothing outside, and nothing outlasts the run that asked for it', () => {
  const runs = newTable();
  const build = artifact('build');
  const run = runOf(runs, build, '/writ-d/run-a');
  const child = artifact('child', build, false);
  const caller = { run: { lease: run.lease.id, artifact: build.entry.id } } as Parameters<
    typeof reachFaults
  >[0];
  const free = { ...caller, run: null };
  const codes = (faults: readonly { readonly code: string }[]) => faults.map(({ code }) => code);
  assert.deepEqual(codes(reachFaults(caller, artifact('stranger'))), ['LINEAGE_BROKEN']);
  assert.deepEqual(codes(reachFaults(caller, build)), ['LINEAGE_BROKEN']);
  assert.deepEqual(reachFaults(caller, child), []);
  assert.deepEqual(reachFaults(free, artifact('stranger')), []);
  assert.deepEqual(callerRunFaults(runs, caller), []);
  assert.deepEqual(ancestorRunFaults(runs, child), []);
  runs.remove(run);
  assert.deepEqual(codes(callerRunFaults(runs, caller)), ['LINEAGE_BROKEN']);
  assert.deepEqual(callerRunFaults(runs, free), []);
  assert.deepEqual(codes(ancestorRunFaults(runs, child)), ['LINEAGE_BROKEN']);
  assert.deepEqual(codes(parentRunFaults(runs, build)), ['LINEAGE_BROKEN']);
  // Not redeemed yet: a plan of what shall run under it can be made.
  assert.deepEqual(parentRunFaults(runs, artifact('plan', null, false)), []);
});
