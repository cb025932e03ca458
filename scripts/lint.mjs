// `npm run lint`: formatting, lint rules and types, all without changing a file.

import { runNode } from './foreground.mjs';
import { inCheckout } from './setup/checkout.mjs';
import { runMain } from './setup/failure.mjs';
import { prepareCheckout } from './setup/prepare.mjs';

const BIOME = inCheckout('node_modules', '@biomejs', 'biome', 'bin', 'biome');

// The build is the type check: it fails on every error that `tsc --noEmit` would name.
await runMain(async () => {
  await prepareCheckout({ tests: false });
  const colors = process.stdout.isTTY ? [] : ['--colors=off'];
  return runNode([BIOME, 'ci', '--error-on-warnings', ...colors, '.']);
});
