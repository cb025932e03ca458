/** `npm run bench [-- NAME...]`: runs the named benchmarks, or all of them, and says on what. */

import { cpus, release, totalmem } from 'node:os';
import { benchAuthorize } from './authorize.js';
import { benchHash, hashTable } from './hash.js';
import { benchIdentity } from './identity.js';
import { benchPolicy } from './policy.js';

const benchmarks: Readonly<Record<string, () => Promise<void>>> = {
  authorize: benchAuthorize,
  hash: async () => console.log(hashTable(await benchHash())),
  identity: benchIdentity,
  policy: benchPolicy,
};

async function main(names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => !Object.hasOwn(benchmarks, name));
  if (unknown.length > 0) {
    console.error(
      `no benchmark is named ${unknown.join(', ')}; there are ${Object.keys(benchmarks).join(', ')}`,
    );
    process.exitCode = 2;
    return;
  }
  const [cpu] = cpus();
  const memoryGb = (totalmem() / 2 ** 30).toFixed(0);
  console.log(
    `${cpu?.model ?? 'unknown processor'} x ${cpus().length}, ${memoryGb} GiB, Linux ${release()}, Node ${process.version}`,
  );
  for (const [name, run] of Object.entries(benchmarks)) {
    if (names.length > 0 && !names.includes(name)) continue;
    console.log(`\n${name}`);
    await run();
  }
}

await main(process.argv.slice(2));
