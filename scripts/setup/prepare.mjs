// The set-up's steps in their order. Each step looks first and acts only where something is missing
// or has changed, so a second run costs next to nothing.

import { provideCommands } from './commands.mjs';
import { provideNativeAddons, provideNativeDependencies } from './native-addons.mjs';
import { provideNodeModules } from './node-modules.mjs';
import { requireNodeVersion } from './node-version.mjs';
import { provideSystemPackages } from './system-packages.mjs';
import { provideCompiledSources } from './typescript.mjs';

/**
 * Takes a fresh clone, or any later state of it, to one where everything is built.
 * @param {{ tests: boolean }} purpose `tests`: also provide what only the tests need
 * @throws {SetupFailure} a sentence that says what to do; exit code 3 when the system lacks something
 */
export async function prepareCheckout({ tests }) {
  requireNodeVersion(process.versions.node);
  provideSystemPackages({ tests });
  provideNodeModules();
  provideNativeDependencies();
  provideNativeAddons();
  await provideHashCore();
  provideCompiledSources();
  provideCommands();
}

/** Imported late: the WASM compiler is itself a node module, which may have been installed just now. */
async function provideHashCore() {
  const { buildWasm } = await import('../build-wasm.mjs');
  await buildWasm({ update: false });
}
