/** The hash core's benchmark (bench/hash.ts) as a section of the report. */

import { benchHash, benchSha3Crossover, type CrossoverRow, type HashBenchRow } from '../hash.js';
import type { Comparison, Plot, Row, Section } from '../report/model.js';
import type { Spread } from '../report/spread.js';

const usPerNs = 1e-3;

export async function hash(quick: boolean): Promise<Section> {
  const rows = await benchHash({ quick });
  // Which of two is faster for longer messages is no goal, and a quick run has no time for it.
  const crossover = quick ? [] : benchSha3Crossover({ quick });
  return {
    name: 'hash',
    title: 'the WebAssembly core against hash-wasm, node:crypto and @noble/hashes',
    method: [
      'Processor time of one thread, copies in and out included; the contestants take turns, and each round gives its own ratios.',
    ],
    rows: [...rows.map(rowOf), ...crossover.map(crossoverRow)],
    plots: crossover.length > 0 ? [crossoverPlot(crossover)] : [],
    remarks: [],
    faults: [],
  };
}

function rowOf({ hashCase, coreNs, hashWasmRatio, nodeRatio, nobleRatio }: HashBenchRow): Row {
  const { name, target } = hashCase;
  return {
    name,
    unit: 'us each',
    figure: scaled(coreNs, usPerNs),
    comparisons: [
      compared('the speed of hash-wasm', coreNs, hashWasmRatio, target?.hashWasm),
      compared('the speed of node:crypto', coreNs, nodeRatio, target?.node),
      compared('the speed of @noble/hashes', coreNs, nobleRatio),
    ],
    notes: [],
    details: {},
  };
}

function crossoverRow({ messageBytes, coreNs, nodeRatio }: CrossoverRow): Row {
  return {
    name: `SHA3-512, one message of ${messageBytes / 1024} KiB by the core alone`,
    unit: 'us each',
    figure: scaled(coreNs, usPerNs),
    comparisons: [compared('the speed of node:crypto', coreNs, nodeRatio)],
    notes: [],
    details: {},
  };
}

function crossoverPlot(rows: readonly CrossoverRow[]): Plot {
  const points = rows.map(({ messageBytes, nodeRatio }) => ({ x: messageBytes / 1024, y: nodeRatio.median }));
  return {
    title: 'SHA3-512: where node:crypto overtakes the core (below 1)',
    x: { label: 'length of the message, KiB', scale: 'log' },
    y: { label: 'times the speed of node:crypto', scale: 'linear' },
    series: [{ name: 'WebAssembly core', points }],
  };
}

function compared(baseline: string, coreNs: Spread, ratio: Spread, goal?: number): Comparison {
  return {
    baseline,
    baselineFigure: scaled(coreNs, ratio.median * usPerNs),
    ratio,
    goal: goal === undefined ? null : { kind: 'at-least', ratio: goal },
  };
}

function scaled({ min, median, max }: Spread, factor: number): Spread {
  return { min: min * factor, median: median * factor, max: max * factor };
}
