// Compiles native code with node-gyp: two dependencies and Writ's own addon in native/. Each is
// skipped when the compiled file loads in the running Node (and, for our own, its sources are the
// same): loading is the only check that also notices another Node version or architecture.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { inCheckout, nodeHeadersPrefix } from './checkout.mjs';
import { runCommand, say, tryCommand } from './command.mjs';
import { SetupFailure } from './failure.mjs';
import { digestOfContents, filesBelow, stampMatches, writeStamp } from './stamp.mjs';

const DEPENDENCIES = [
  { name: 'better-sqlite3', output: 'better_sqlite3.node', takes: 'about a minute' },
  { name: 'pkcs11js', output: 'pkcs11.node', takes: 'some seconds' },
];

/**
 * Compiles the native dependencies that do not load yet.
 * @throws {SetupFailure} when one does not compile, or does not load afterwards
 */
export function provideNativeDependencies() {
  for (const { name, output, takes } of DEPENDENCIES) {
    const directory = inCheckout('node_modules', name);
    const file = join(directory, 'build', 'Release', output);
    if (loads(file)) continue;
    say(`compiling ${name} (${takes})`);
    compile(directory, file);
  }
}

/**
 * Compiles Writ's own addon, native/build/Release/writ_native.node.
 * @throws {SetupFailure} when it does not compile, or does not load afterwards
 */
export function provideNativeAddon() {
  const directory = inCheckout('native');
  const file = join(directory, 'build', 'Release', 'writ_native.node');
  const sources = filesBelow(directory, (name) => name !== 'build');
  if (sources.length === 0) {
    throw new SetupFailure(`There are no sources in ${directory}: clone the project afresh.`);
  }
  const key = digestOfContents(sources, `${process.version} ${process.arch}`);
  if (stampMatches('native', key) && loads(file)) return;
  say('compiling the native addon (native/)');
  compile(directory, file);
  writeStamp('native', key);
}

function compile(directory, file) {
  const prefix = nodeHeadersPrefix(process.execPath);
  // Without headers of its own, node-gyp fetches them; a copy in the checkout needs no writable home.
  const headers = prefix
    ? [`--nodedir=${prefix}`]
    : [`--devdir=${inCheckout('node_modules', '.cache', 'node-gyp')}`];
  const nodeGyp = inCheckout('node_modules', 'node-gyp', 'bin', 'node-gyp.js');
  runCommand(process.execPath, [nodeGyp, 'rebuild', '--release', '--jobs=max', ...headers], {
    cwd: directory,
    name: `node-gyp in ${directory}`,
    advice: 'A C++20 compiler, make and python3 must work; correct that and start again.',
  });
  if (!loads(file)) {
    throw new SetupFailure(
      `${file} was compiled but does not load in Node ${process.version}: remove node_modules and native/build, then start again.`,
    );
  }
}

/** In a process of its own, because loading foreign code could end the process that tries it. */
function loads(file) {
  if (!existsSync(file)) return false;
  return tryCommand(process.execPath, ['-e', 'process.dlopen({ exports: {} }, process.argv[1])', file])
    .succeeded;
}
