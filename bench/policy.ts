/**
 * What a policy decision costs: on new requests, on repeated ones, and against Cedar without prepared policies.
 * Medians of alternated rounds; the ratios carry over to other machines better than the times.
 */

import { fileURLToPath, pathToFileURL } from 'node:url';
import { jcsText } from '../src/format/jcs.js';
import { loadBundle, type PolicyBundle } from '../src/policy/bundle.js';
import { cedarRequest, createCedar } from '../src/policy/cedar.js';
import { createEngine } from '../src/policy/engine.js';
import { type PolicyFacts, type PolicyInput, policyInput } from '../src/policy/input.js';

/** One way to decide; `decide` gets inputs that it has not seen, unless the way is to repeat one. */
interface Way {
  readonly name: string;
  readonly decide: (index: number) => unknown;
}

const rounds = 9;
const decisionsPerRound = 400;
const digests = { sha3_512: 'a'.repeat(128), blake2b: 'b'.repeat(128), sha256: 'c'.repeat(64) };

/** Measures and prints; takes some seconds. */
export async function benchPolicy(): Promise<void> {
  const bundle = await loadBundle(fileURLToPath(new URL('../../policies/', import.meta.url)));
  const engine = createEngine(bundle);
  const repeated = inputNumber(-1);
  const medians = measure([
    { name: 'build the input', decide: (index) => inputNumber(index) },
    { name: 'decide, new request', decide: (index) => engine.decide(inputNumber(index)) },
    { name: 'decide, repeated request', decide: () => engine.decide(repeated) },
    { name: 'decide, policies not prepared', decide: unprepared(bundle) },
  ]);
  const reference = medians.get('decide, new request') ?? Number.NaN;
  console.log(`policy decisions (${engine.version}, medians of ${rounds} rounds)`);
  for (const [name, microseconds] of medians) {
    const ratio = (microseconds / reference).toFixed(2);
    console.log(`  ${name.padEnd(32)} ${microseconds.toFixed(1).padStart(8)} us  ${ratio.padStart(6)} x`);
  }
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
    lineageDepth: 1,
    nowSeconds: null,
  };
  return policyInput(facts);
}

/** Cedar as it is used without preparation: policies and schema go along with every request. */
function unprepared({ policies, schema, entities }: PolicyBundle): Way['decide'] {
  const cedar = createCedar();
  return (index) =>
    cedar.isAuthorized({
      ...cedarRequest(jcsText(inputNumber(index)), entities),
      schema,
      validateRequest: true,
      policies: { staticPolicies: policies },
    });
}

/** Median microseconds of each way; the ways take turns, so that a slow moment of the machine hits them all. */
function measure(ways: readonly Way[]): ReadonlyMap<string, number> {
  const times = new Map<string, number[]>(ways.map(({ name }) => [name, []]));
  let index = 0;
  for (let round = 0; round <= rounds; round++) {
    for (const { name, decide } of ways) {
      const startMs = performance.now();
      for (let count = 0; count < decisionsPerRound; count++) decide(index++);
      const microseconds = ((performance.now() - startMs) * 1000) / decisionsPerRound;
      // The first round warms up.
      if (round > 0) times.get(name)?.push(microseconds);
    }
  }
  return new Map([...times].map(([name, values]) => [name, median(values)]));
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await benchPolicy();
}
