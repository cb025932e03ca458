// The hash core against hash-wasm and against node:crypto called once a message, all copies in and out
// included. The three take turns in one thread, and each round gives its own ratios: so what else the
// machine does falls on all of them. They share a heap too, and with it the collector's pauses.
// Run by itself: node dist/bench/hash.js

import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { createBLAKE2b, createSHA3, type IHasher } from 'hash-wasm';
import { blake2b512, blake2b512Batch, sha3_512, sha3_512Batch } from '../src/hash/evidence.js';
import { HASH_CASES, type HashCase } from './hash-cases.js';

export type HashBenchRow = {
  readonly hashCase: HashCase;
  /** The core's time, in nanoseconds a message. */
  readonly coreNs: Spread;
  /** How many times as long as the core the other one took, round by round. */
  readonly hashWasmRatio: Spread;
  readonly nodeRatio: Spread;
};

/** Of all rounds the smallest value, the median, the largest. */
export type Spread = { readonly min: number; readonly median: number; readonly max: number };

type Work = () => void;

const ROUNDS = 61;
/** Long enough for V8 to have compiled everything for good. */
const WARM_UP_MS = 200;
/** What one turn takes, about: far above the clock's grain. */
const TURN_MS = 4;

/** Measures every case; takes some seconds. */
export async function benchHash(): Promise<HashBenchRow[]> {
  const hashers = { 'sha3-512': await createSHA3(512), blake2b512: await createBLAKE2b(512) };
  return HASH_CASES.map((hashCase) => measure(hashCase, hashers[hashCase.algorithm]));
}

function measure(hashCase: HashCase, hasher: IHasher): HashBenchRow {
  const { core, hashWasm, node } = contestants(hashCase, hasher);
  const timeCore = warmUp(core);
  const timeHashWasm = warmUp(hashWasm);
  const timeNode = warmUp(node);
  const coreNs: number[] = [];
  const hashWasmRatio: number[] = [];
  const nodeRatio: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const ownMs = timeCore();
    coreNs.push((ownMs / hashCase.messageCount) * 1e6);
    hashWasmRatio.push(timeHashWasm() / ownMs);
    nodeRatio.push(timeNode() / ownMs);
  }
  return {
    hashCase,
    coreNs: spread(coreNs),
    hashWasmRatio: spread(hashWasmRatio),
    nodeRatio: spread(nodeRatio),
  };
}

/** What each of the three does with all messages of a case. */
function contestants(
  { algorithm, messageBytes, messageCount }: HashCase,
  hasher: IHasher,
): { readonly core: Work; readonly hashWasm: Work; readonly node: Work } {
  const messages = Array.from({ length: messageCount }, (_, index) =>
    new Uint8Array(messageBytes).fill(index),
  );
  const each =
    (digest: (message: Uint8Array) => Uint8Array): Work =>
    () => {
      for (const message of messages) digest(message);
    };
  const { batch, single } = {
    'sha3-512': { batch: sha3_512Batch, single: sha3_512 },
    blake2b512: { batch: blake2b512Batch, single: blake2b512 },
  }[algorithm];
  return {
    core: messageCount > 1 ? () => void batch(messages) : each(single),
    hashWasm: each((message) => hasher.init().update(message).digest('binary')),
    node: each((message) => createHash(algorithm).update(message).digest()),
  };
}

/** Runs until warm; returns what takes one turn and gives the milliseconds of one run in it. */
function warmUp(work: Work): () => number {
  let runs = 0;
  for (const startMs = performance.now(); performance.now() - startMs < WARM_UP_MS; runs += 1) work();
  const runsPerTurn = Math.max(1, Math.round((runs * TURN_MS) / WARM_UP_MS));
  return () => {
    const startMs = performance.now();
    for (let run = 0; run < runsPerTurn; run += 1) work();
    return (performance.now() - startMs) / runsPerTurn;
  };
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  return { min: at(0), median: at(sorted.length >> 1), max: at(sorted.length - 1) };
}

/** The rows as a table of text: medians, least and greatest in brackets, and the ratios to reach. */
export function hashTable(rows: readonly HashBenchRow[]): string {
  const line = (name: string, ...columns: string[]): string =>
    `${name.padEnd(40)}${columns.map((column) => column.padStart(32)).join('')}`;
  const shown = ({ min, median, max }: Spread, digits: number): string =>
    `${median.toFixed(digits)} [${min.toFixed(digits)}, ${max.toFixed(digits)}]`;
  const ratio = (values: Spread, goal: number | undefined): string =>
    goal === undefined ? shown(values, 2) : `${shown(values, 2)}, goal ${goal.toFixed(2)}`;
  return [
    line('case', 'core, ns a message', 'hash-wasm / core', 'node:crypto / core'),
    ...rows.map(({ hashCase: { name, target }, coreNs, hashWasmRatio, nodeRatio }) =>
      line(name, shown(coreNs, 0), ratio(hashWasmRatio, target?.hashWasm), ratio(nodeRatio, target?.node)),
    ),
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(hashTable(await benchHash()));
}
