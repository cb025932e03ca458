// The hash core against hash-wasm, node:crypto and @noble/hashes called once a message, all copies in and
// out included. node:crypto is called as `createHash(...).update(...).digest()`, and where `crypto.hash`
// exists, which costs less a call, in that way.
//
// tinybench times each contestant, but runs its tasks one after another, and between the first and the last
// the machine may have slowed down. So it runs in many short rounds, in which all contestants take their
// turn; each round gives its own ratios, and what else the machine does falls on all of them. They share a
// heap too, and with it the collector's work. The clock is this process's CPU time: what one core can do is
// asked for, and on a busy machine the wall clock would mostly tell who waited for a core.
// Run by itself: node dist/bench/hash.js [--quick]

import crypto from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { blake2b as nobleBlake2b } from '@noble/hashes/blake2.js';
import { sha3_512 as nobleSha3_512 } from '@noble/hashes/sha3.js';
import { createBLAKE2b, createSHA3 } from 'hash-wasm';
import { Bench } from 'tinybench';
import { sha3_512Core } from '../src/hash/core.js';
import {
  blake2b512,
  blake2b512Batch,
  evidenceDigests,
  evidenceDigestsBatch,
  sha3_512,
  sha3_512Batch,
} from '../src/hash/evidence.js';
import { NATIVE_SHA3_FROM_BYTES } from '../src/hash/native-sha3.js';
import { digestWhole } from '../src/hash/stream.js';
import { CROSSOVER_BYTES, HASH_CASES, type HashCase } from './hash-cases.js';

export type HashBenchRow = {
  readonly hashCase: HashCase;
  /** The core's time, in nanoseconds a message. */
  readonly coreNs: Spread;
  /** How many times as long as the core the other one took, round by round. */
  readonly hashWasmRatio: Spread;
  readonly nodeRatio: Spread;
  readonly nobleRatio: Spread;
};

/** SHA3-512 of one message by the core, and how many times as long node:crypto took. */
export type CrossoverRow = {
  readonly messageBytes: number;
  readonly coreNs: Spread;
  readonly nodeRatio: Spread;
};

/** Of all rounds the smallest value, the median, the largest. */
export type Spread = { readonly min: number; readonly median: number; readonly max: number };

/** `quick`: fewer and shorter rounds, some ten seconds for everything here instead of most of a minute. */
export type HashBenchOptions = { readonly quick?: boolean };

type Digest = (message: Uint8Array) => unknown;
/** What is timed: one call that digests `messageCount` messages. */
type Contestant = { readonly call: () => void; readonly messageCount: number };
type Effort = { readonly rounds: number; readonly warmUpMs: number; readonly turnMs: number };

const FULL: Effort = { rounds: 41, warmUpMs: 200, turnMs: 4 };
const QUICK: Effort = { rounds: 9, warmUpMs: 100, turnMs: 3 };
/** One sample of tinybench, about: far above the clock's grain, a microsecond. */
const SAMPLE_MS = 0.5;

/** Measures every case of HASH_CASES. */
export async function benchHash({ quick = false }: HashBenchOptions = {}): Promise<HashBenchRow[]> {
  const singles = await singleDigests();
  return HASH_CASES.map((hashCase) => {
    const [coreNs, ...others] = measure(contestants(hashCase, singles), quick ? QUICK : FULL);
    const [hashWasmRatio, nodeRatio, nobleRatio] = others.map((ns) => ratios(ns, coreNs));
    return {
      hashCase,
      coreNs: spread(coreNs),
      hashWasmRatio: spread(hashWasmRatio),
      nodeRatio: spread(nodeRatio),
      nobleRatio: spread(nobleRatio),
    };
  });
}

/** Finds where node:crypto overtakes the core on single messages: SHA3-512 at CROSSOVER_BYTES. */
export function benchSha3Crossover({ quick = false }: HashBenchOptions = {}): CrossoverRow[] {
  return CROSSOVER_BYTES.map((messageBytes) => {
    const message = messageOf(messageBytes, 1);
    const [coreNs, nodeNs] = measure(
      [
        { call: () => digestWhole(sha3_512Core, message), messageCount: 1 },
        { call: () => nodeDigest('sha3-512')(message), messageCount: 1 },
      ],
      quick ? QUICK : FULL,
    );
    return { messageBytes, coreNs: spread(coreNs), nodeRatio: spread(ratios(nodeNs, coreNs)) };
  });
}

type Singles = { readonly core: Digest; readonly others: readonly Digest[] };

/** How each contestant digests one message: the core; then hash-wasm, node:crypto, @noble/hashes. */
async function singleDigests(): Promise<Readonly<Record<HashCase['algorithm'], Singles>>> {
  const [wasmSha3, wasmBlake2b] = [await createSHA3(512), await createBLAKE2b(512)];
  const sha3: Singles = {
    core: sha3_512,
    others: [
      (message) => wasmSha3.init().update(message).digest('binary'),
      nodeDigest('sha3-512'),
      nobleSha3_512,
    ],
  };
  const blake2b: Singles = {
    core: blake2b512,
    others: [
      (message) => wasmBlake2b.init().update(message).digest('binary'),
      nodeDigest('blake2b512'),
      (message) => nobleBlake2b(message),
    ],
  };
  const both = sha3.others.map((first, index) => (message: Uint8Array) => {
    first(message);
    blake2b.others[index]?.(message);
  });
  return {
    'sha3-512': sha3,
    blake2b512: blake2b,
    'evidence pair': { core: evidenceDigests, others: both },
  };
}

function nodeDigest(algorithm: string): Digest {
  if (crypto.hash !== undefined) return (message) => crypto.hash(algorithm, message, 'buffer');
  return (message) => crypto.createHash(algorithm).update(message).digest();
}

const BATCHES = {
  'sha3-512': sha3_512Batch,
  blake2b512: blake2b512Batch,
  'evidence pair': evidenceDigestsBatch,
};

/** The core with all messages in one call, if there are many; the others with one message a call, in turn. */
function contestants(
  hashCase: HashCase,
  singles: Readonly<Record<HashCase['algorithm'], Singles>>,
): Contestant[] {
  const { algorithm, messageBytes, messageCount, spreadBytes = 0 } = hashCase;
  const messages = Array.from({ length: messageCount }, (_, index) =>
    messageOf(messageBytes - (spreadBytes >> 1) + ((index * 37) % (spreadBytes + 1)), index),
  );
  const one = (digest: Digest): Contestant => {
    let next = 0;
    const call = (): void => {
      digest(messages[next] as Uint8Array);
      next = next + 1 === messageCount ? 0 : next + 1;
    };
    return { call, messageCount: 1 };
  };
  const { core, others } = singles[algorithm];
  const batch = BATCHES[algorithm];
  return [messageCount > 1 ? { call: () => batch(messages), messageCount } : one(core), ...others.map(one)];
}

function messageOf(messageBytes: number, seed: number): Uint8Array {
  return new Uint8Array(messageBytes).fill(seed);
}

/** For each contestant its nanoseconds a message, round by round. */
function measure(all: readonly Contestant[], { rounds, warmUpMs, turnMs }: Effort): number[][] {
  const bench = new Bench({ iterations: 1, time: turnMs, warmup: false, now: cpuTimeMs });
  const callsOfSample = all.map(({ call }) => Math.ceil(warmUp(call, warmUpMs) * SAMPLE_MS));
  all.forEach(({ call }, index) => {
    const calls = callsOfSample[index] ?? 1;
    bench.add(String(index), () => {
      for (let done = 0; done < calls; done += 1) call();
    });
  });
  const nanoseconds: number[][] = all.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    bench.reset();
    bench.runSync();
    bench.tasks.forEach((task, index) => {
      const { result } = task;
      if (result.state !== 'completed') throw new Error(`tinybench left a task ${result.state}`);
      const messageCount = (callsOfSample[index] ?? 1) * (all[index]?.messageCount ?? 1);
      nanoseconds[index]?.push((result.latency.mean * 1e6) / messageCount);
    });
  }
  return nanoseconds;
}

/** Runs until V8 has compiled everything for good; returns the calls that fit into a millisecond. */
function warmUp(call: () => void, warmUpMs: number): number {
  const startMs = cpuTimeMs();
  let calls = 0;
  let tookMs = 0;
  for (; tookMs < warmUpMs; tookMs = cpuTimeMs() - startMs) {
    call();
    calls += 1;
  }
  return calls / tookMs;
}

function cpuTimeMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function ratios(others: readonly number[] = [], own: readonly number[] = []): number[] {
  return others.map((value, round) => value / (own[round] ?? Number.NaN));
}

function spread(values: readonly number[] = []): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  return { min: at(0), median: at(sorted.length >> 1), max: at(sorted.length - 1) };
}

/** The rows as a table of text: medians, least and greatest in brackets, and the ratios to reach. */
export function hashTable(rows: readonly HashBenchRow[]): string {
  const ratio = (values: Spread, goal: number | undefined): string =>
    goal === undefined ? shown(values, 2) : `${shown(values, 2)}, goal ${goal.toFixed(2)}`;
  return [
    line('case', 'core, ns a message', 'hash-wasm / core', 'node:crypto / core', '@noble/hashes / core'),
    ...rows.map(({ hashCase: { name, target }, coreNs, hashWasmRatio, nodeRatio, nobleRatio }) =>
      line(
        name,
        shown(coreNs, 0),
        ratio(hashWasmRatio, target?.hashWasm),
        ratio(nodeRatio, target?.node),
        shown(nobleRatio, 1),
      ),
    ),
  ].join('\n');
}

/** The crossover as a table of text, with the first length at which node:crypto is faster. */
export function crossoverTable(rows: readonly CrossoverRow[]): string {
  const found = rows.find(({ nodeRatio }) => nodeRatio.median < 1)?.messageBytes;
  return [
    line('SHA3-512, one message', 'core, ns', 'node:crypto / core'),
    ...rows.map(({ messageBytes, coreNs, nodeRatio }) =>
      line(`${messageBytes / 1024} KiB`, shown(coreNs, 0), shown(nodeRatio, 2)),
    ),
    `node:crypto is faster ${found === undefined ? 'at none of these lengths' : `from ${found} bytes on`}; the hash layer turns to it at ${NATIVE_SHA3_FROM_BYTES}.`,
  ].join('\n');
}

function line(name: string, ...columns: readonly string[]): string {
  return `${name.padEnd(40)}${columns.map((column) => column.padStart(34)).join('')}`;
}

function shown({ min, median, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} [${min.toFixed(digits)}, ${max.toFixed(digits)}]`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const options = { quick: process.argv.includes('--quick') };
  console.log(hashTable(await benchHash(options)));
  console.log(`\n${crossoverTable(benchSha3Crossover(options))}`);
}
