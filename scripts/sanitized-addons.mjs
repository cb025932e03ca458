// Compiles the native addons with sanitizers, if they are not yet, and prints the directory of the compiled files. For the
// tests that run the addons' tests once more under them.

import { runMain } from './setup/failure.mjs';
import { provideSanitizedAddons } from './setup/native-addons.mjs';

await runMain(async () => {
  process.stdout.write(`${provideSanitizedAddons()}\n`);
  return 0;
});
