/** The hash core's benchmark (bench/hash.ts) as a section of the report. */

import { benchHash, type HashBenchRow } from '../hash.js';
import type { Comparison, Goal, Row, Section } from '../report/model.js';
import type { Spread } from '../report/spread.js';

export async function hash(_quick: boolean): Promise<Section> {
  const rows = await benchHash();
  return {
    name: 'hash',
    title: 'the WebAssembly core against hash-wasm and node:crypto',
    method: [
      'One thread, copies in and out included; the contestants take turns, and each round gives its own ratios.',
    ],
    rows: rows.map(rowOf),
    plots: [],
    remarks: [],
    faults: [],
  };
}

function rowOf({ hashCase, coreNs, hashWasmRatio, nodeRatio }: HashBenchRow): Row {
  const { name, target } = hashCase;
  return {
    name,
    unit: 'us each',
    figure: scaled(coreNs, 1e-3),
    comparisons: [
      compared('the speed of hash-wasm', coreNs, hashWasmRatio, target?.hashWasm),
      compared('the speed of node:crypto', coreNs, nodeRatio, target?.node),
    ],
    notes: [],
  };
}

function compared(baseline: string, coreNs: Spread, ratio: Spread, goal: number | undefined): Comparison {
  const wanted: Goal | null = goal === undefined ? null : { kind: 'at-least', ratio: goal };
  return { baseline, baselineFigure: scaled(coreNs, ratio.median * 1e-3), ratio, goal: wanted };
}

function scaled({ min, median, max }: Spread, factor: number): Spread {
  return { min: min * factor, median: median * factor, max: max * factor };
}
