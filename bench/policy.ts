/**
 * What a policy decision costs: on new requests, on repeated ones, and against Cedar without prepared policies.
 * The ratios carry over to other machines better than the times.
 */

import { fileURLToPath } from 'node:url';
import { jcsText } from '../src/format/jcs.js';
import { loadBundle, type PolicyBundle } from '../src/policy/bundle.js';
import { cedarRequest, createCedar } from '../src/policy/cedar.js';
import { createEngine } from '../src/policy/engine.js';
import { type PolicyFacts, type PolicyInput, policyInput } from '../src/policy/input.js';
import { type MicroTask, measureTasks } from './micro.js';
import type { Row, Section } from './report/model.js';
import { spreadOf } from './report/spread.js';
import { comparison } from './rows/common.js';

const digests = { sha3_512: 'a'.repeat(128), blake2b: 'b'.repeat(128), sha256: 'c'.repeat(64) };

export async function benchPolicy(quick: boolean): Promise<Section> {
  const bundle = await loadBundle(fileURLToPath(new URL('../../policies/', import.meta.url)));
  const engine = createEngine(bundle);
  const tasks = tasksOf(engine, bundle);
  const timesUs = await measureTasks(tasks, quick ? { rounds: 3, taskMs: 20 } : { rounds: 9, taskMs: 150 });
  const [newUs = []] = timesUs;
  const rows = tasks.map(({ name }, position): Row => {
    const us = timesUs[position] ?? [];
    const comparisons = position === 0 ? [] : [comparison(us, 'a new request', newUs, null)];
    return { name, unit: 'us', figure: spreadOf(us), comparisons, notes: [], details: {} };
  });
  return {
    name: 'policy',
    title: `decisions by ${engine.version}`,
    method: ['Time a decision, the tasks in turn; each new request differs from all before.'],
    rows,
    plots: [],
    remarks: [],
    faults: [],
  };
}

function tasksOf(engine: ReturnType<typeof createEngine>, bundle: PolicyBundle): MicroTask[] {
  let number = 0;
  const fresh = (): PolicyInput => inputNumber(number++);
  const repeated = inputNumber(-1);
  const decideUnprepared = unprepared(bundle);
  return [
    { name: 'decide, new request', run: () => engine.decide(fresh()) },
    { name: 'decide, repeated request', run: () => engine.decide(repeated) },
    { name: 'of that: build the input', run: fresh },
    { name: 'decide, policies not prepared', run: () => decideUnprepared(fresh()) },
  ];
}

function inputNumber(index: number): PolicyInput {
  const facts: PolicyFacts = {
    peer: {
      pid: 4321,
      startTime: 99,
      uid: 1000,
      gid: 1000,
      groups: [4, 27, 1000],
      executable: { source: 'kernel', path: '/usr/bin/node', digests },
      cgroup: '/user.slice',
      label: null,
    },
    user: 'user',
    groups: ['adm', 'sudo', 'user'],
    claimed: { agent: 'builder', user: null },
    request: {
      type: 'execute',
      executable: '/usr/bin/git',
      argv: ['git', 'show', `HEAD~${index}`],
      cwd: '/srv/project',
      environmentDigest: 'e'.repeat(128),
      digests,
      use: 'single',
      confine: 'tree',
      descend: 'any',
    },
    environment: ['boot', 'cgroup', 'host', 'ipc', 'kernel', 'mnt', 'net', 'pid', 'user', 'uts'].map(
      (name) => ({
        name,
        value: '4026531835',
        source: 'kernel',
      }),
    ),
    purpose: 'a release',
    ticket: null,
    attest: null,
    anchor: null,
    lineageDepth: 1,
    governed: false,
    nowSeconds: null,
  };
  return policyInput(facts);
}

/** Cedar as it is used without preparation: policies and schema go along with every request. */
function unprepared({ policies, schema, entities }: PolicyBundle): (input: PolicyInput) => unknown {
  const cedar = createCedar();
  return (input) =>
    cedar.isAuthorized({
      ...cedarRequest(jcsText(input), entities, 'all'),
      schema,
      validateRequest: true,
      policies: { staticPolicies: policies },
    });
}
