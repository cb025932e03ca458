/** `npm run bench [-- [--quick] [NAME...]]`: runs the named benchmarks, or all of them, and reports. */

import { parseArgs } from 'node:util';
import { benchHash, hashTable } from './hash.js';
import { benchIdentity } from './identity.js';
import { describeMachine, machineLine } from './machine.js';
import { benchPolicy } from './policy.js';
import type { Section } from './report/model.js';
import { sectionLines } from './report/table.js';
import { connections } from './rows/connections.js';
import { latency } from './rows/latency.js';
import { slowHsm } from './rows/slow-hsm.js';
import { throughput } from './rows/throughput.js';

/** A benchmark prints for itself, or returns a section of the report. */
const benchmarks: Readonly<Record<string, (quick: boolean) => Promise<Section | null>>> = {
  throughput,
  latency,
  'slow-hsm': slowHsm,
  connections,
  hash: printing(async () => console.log(hashTable(await benchHash()))),
  identity: printing(benchIdentity),
  policy: printing(benchPolicy),
};

function printing(run: () => Promise<void>): () => Promise<null> {
  return async () => {
    await run();
    return null;
  };
}

async function main(): Promise<void> {
  const { values, positionals: names } = parseArgs({
    allowPositionals: true,
    options: { quick: { type: 'boolean', default: false } },
  });
  const unknown = names.filter((name) => !Object.hasOwn(benchmarks, name));
  if (unknown.length > 0) {
    console.error(
      `no benchmark is named ${unknown.join(', ')}; there are ${Object.keys(benchmarks).join(', ')}`,
    );
    process.exitCode = 2;
    return;
  }
  console.log(machineLine(describeMachine()));
  for (const [name, run] of Object.entries(benchmarks)) {
    if (names.length > 0 && !names.includes(name)) continue;
    const section = await run(values.quick);
    if (section === null) continue;
    console.log(sectionLines(section).join('\n'));
    if (section.faults.length > 0) process.exitCode = 1;
  }
}

await main();
