/**
 * Offline verification: `verifyBatch` over 10,000 artifacts, in one thread, against a bare Ed25519 verification by
 * node:crypto. The two take turns, and each round gives its own ratio. Every round starts with a new context.
 * Run by itself: node dist/bench/verify.js [--quick]
 */

import { generateKeyPairSync, sign, verify as verifySignature } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Envelope } from '../src/format/dsse.js';
import { parseJsonBytes } from '../src/format/strict-json.js';
import type { Trust } from '../src/format/trust.js';
import { utf8Encode } from '../src/format/utf8.js';
import { VerificationContext } from '../src/verify/context.js';
import { offlineSituation, type Situation } from '../src/verify/situation.js';
import type { Verdict } from '../src/verify/verdict.js';
import { verify, verifyBatch } from '../src/verify/verify.js';
import { sealLog } from './verify-fixture.js';

/** Of all rounds the smallest value, the median, the largest. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export interface VerifyBenchRow {
  readonly name: string;
  readonly artifactCount: number;
  /** Microseconds an artifact. */
  readonly artifactUs: Spread;
  /** Microseconds a bare Ed25519 verification, in the same rounds. */
  readonly signatureUs: Spread;
  /** How many artifacts in the time of one bare verification, round by round. */
  readonly ratio: Spread;
  /** The ratio that the median round should reach; absent where none is set. */
  readonly target?: number;
}

interface Trial {
  readonly name: string;
  readonly perCheckpoint: number;
  readonly run: (setting: Setting) => readonly Verdict[];
  readonly target?: number;
}

interface Setting {
  readonly artifacts: readonly Envelope[];
  /** The same as lines of JSON. */
  readonly lines: readonly Uint8Array[];
  readonly trust: Trust;
  readonly situation: Situation;
}

const batched: Trial['run'] = ({ artifacts, trust, situation }) => verifyBatch(artifacts, trust, situation);

const trials: readonly Trial[] = [
  { name: 'verifyBatch, 256 artifacts a checkpoint', perCheckpoint: 256, run: batched, target: 3 },
  { name: 'verifyBatch, 16 artifacts a checkpoint', perCheckpoint: 16, run: batched },
  { name: 'verifyBatch, all under one checkpoint', perCheckpoint: 10_000, run: batched },
  {
    name: 'verifyBatch and reading the JSON, 256 a checkpoint',
    perCheckpoint: 256,
    run: ({ lines, trust, situation }) => verifyBatch(lines.map(parseJsonBytes), trust, situation),
  },
  {
    name: 'verify one by one, context kept, 256 a checkpoint',
    perCheckpoint: 256,
    run: ({ artifacts, trust, situation }) => {
      const context = new VerificationContext();
      return artifacts.map((artifact) => verify(artifact, trust, situation, context));
    },
  },
];

/** Measures every trial; some tens of seconds, or a few if `quick`. */
export function benchVerify({ quick }: { readonly quick: boolean }): VerifyBenchRow[] {
  const artifactCount = quick ? 2000 : 10_000;
  const chosen = quick ? trials.filter(({ target }) => target !== undefined) : trials;
  return chosen.map((trial) => measure(trial, artifactCount, quick ? 5 : 9));
}

function measure(trial: Trial, artifactCount: number, rounds: number): VerifyBenchRow {
  const { artifacts, trust, nowMs } = sealLog(artifactCount, trial.perCheckpoint);
  const lines = artifacts.map((artifact) => utf8Encode(JSON.stringify(artifact)));
  const setting = { artifacts, lines, trust, situation: offlineSituation(nowMs) };
  const timeSignature = signatureTimer();
  const artifactUs: number[] = [];
  const signatureUs: number[] = [];
  const ratio: number[] = [];
  // The first rounds warm up.
  for (let round = -2; round < rounds; round++) {
    const before = timeSignature();
    const startMs = performance.now();
    const verdicts = trial.run(setting);
    const own = ((performance.now() - startMs) * 1000) / artifactCount;
    // What else the machine does changes within a round too, so the baseline is taken on both sides.
    const baseline = (before + timeSignature()) / 2;
    const denied = verdicts.find(({ verdict }) => verdict !== 'valid');
    if (denied !== undefined || verdicts.length !== artifactCount)
      throw new Error('an artifact was not found valid, so the figures mean nothing');
    if (round < 0) continue;
    artifactUs.push(own);
    signatureUs.push(baseline);
    ratio.push(baseline / own);
  }
  const { name, target } = trial;
  return {
    name,
    artifactCount,
    artifactUs: spread(artifactUs),
    signatureUs: spread(signatureUs),
    ratio: spread(ratio),
    ...(target === undefined ? {} : { target }),
  };
}

/** Gives the microseconds of one verification by node:crypto, over the text of a checkpoint's length. */
function signatureTimer(): () => number {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const message = Buffer.alloc(96, 1);
  const signature = sign(null, message, privateKey);
  const runs = 1000;
  return () => {
    const startMs = performance.now();
    for (let run = 0; run < runs; run++) {
      if (!verifySignature(null, message, publicKey, signature)) throw new Error('the baseline fails');
    }
    return ((performance.now() - startMs) * 1000) / runs;
  };
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((left, right) => left - right);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  return { min: at(0), median: at(sorted.length >> 1), max: at(sorted.length - 1) };
}

/** The rows as a table of text: medians, least and greatest in brackets. */
export function verifyTable(rows: readonly VerifyBenchRow[]): string {
  const shown = ({ min, median, max }: Spread): string =>
    `${median.toFixed(2)} [${min.toFixed(2)}, ${max.toFixed(2)}]`;
  const line = (name: string, ...columns: string[]): string =>
    `${name.padEnd(52)}${columns.map((column) => column.padStart(28)).join('')}`;
  return [
    line('case', 'us an artifact', 'us a bare verification', 'ratio'),
    ...rows.map(({ name, artifactUs, signatureUs, ratio, target }) =>
      line(
        name,
        shown(artifactUs),
        shown(signatureUs),
        shown(ratio) + (target === undefined ? '' : `, goal ${target}`),
      ),
    ),
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(verifyTable(benchVerify({ quick: process.argv.includes('--quick') })));
}
