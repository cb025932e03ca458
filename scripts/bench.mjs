// `npm run bench -- ARGS`: builds, then runs the benchmarks with the given arguments; --help lists them.

import { existsSync } from 'node:fs';
import { runNode } from './foreground.mjs';
import { inCheckout } from './setup/checkout.mjs';
import { runMain, SetupFailure } from './setup/failure.mjs';
import { prepareCheckout } from './setup/prepare.mjs';
import { provideSystemPackages } from './setup/system-packages.mjs';

const BENCH_MAIN = inCheckout('dist', 'bench', 'main.js');
const USAGE = 2;

await runMain(async () => {
  provideSystemPackages({ tests: false, benchmarks: true });
  await prepareCheckout({ tests: false });
  if (!existsSync(BENCH_MAIN)) {
    throw new SetupFailure('There are no benchmarks to run: bench/main.ts does not exist.', {
      exitCode: USAGE,
    });
  }
  return runNode([BENCH_MAIN, ...process.argv.slice(2)]);
});
