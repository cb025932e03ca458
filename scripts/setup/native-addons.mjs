// Compiles native code with node-gyp: two dependencies and Writ's own addons in native/. Each is
// skipped when the compiled file loads in the running Node (and, for our own, its sources are the
// same): loading is the only check that also notices another Node version or architecture.

import { cpSync, existsSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { inCheckout, nodeHeadersPrefix } from './checkout.mjs';
import { runCommand, say, tryCommand } from './command.mjs';
import { SetupFailure } from './failure.mjs';
import { digestOfContents, filesBelow, stampMatches, writeStamp } from './stamp.mjs';
import { hasTpmHeaders } from './system-packages.mjs';

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
    compile(directory, [file]);
  }
}

/** Programs beside the addons, which run without Node; all of them on Linux only. */
const PROGRAMS = process.platform === 'linux' ? ['writ-watchdog', 'writ-run'] : [];

/**
 * Compiles what is in native/: native/build/Release/writ_native.node, where tpm2-tss is installed writ_tpm.node, and the programs.
 * @throws {SetupFailure} when one does not compile, or does not load afterwards
 */
export function provideNativeAddons() {
  const directory = inCheckout('native');
  const sources = filesBelow(directory, (name) => name !== 'build');
  if (sources.length === 0) {
    throw new SetupFailure(`There are no sources in ${directory}: clone the project afresh.`);
  }
  const withTpm = hasTpmHeaders();
  const names = ['writ_native.node', ...(withTpm ? ['writ_tpm.node'] : []), ...PROGRAMS];
  const files = names.map((name) => join(directory, 'build', 'Release', name));
  const key = digestOfContents(sources, `${process.version} ${process.arch} ${withTpm ? 'tpm' : 'no tpm'}`);
  if (stampMatches('native', key) && files.every(loads)) return;
  say('compiling the native addons (native/)');
  compile(directory, files);
  writeStamp('native', key);
}

/**
 * Compiles the addons once more, with AddressSanitizer and UndefinedBehaviorSanitizer, from copies of their sources: node-gyp
 * knows one build a directory. They load only into a process that has libasan preloaded.
 * @returns {string} the directory of the compiled files
 * @throws {SetupFailure} when one does not compile
 */
export function provideSanitizedAddons() {
  const native = inCheckout('native');
  const directory = join(native, 'build', 'sanitized');
  const release = join(directory, 'build', 'Release');
  const sources = filesBelow(native, (name) => name !== 'build');
  const withTpm = hasTpmHeaders();
  const names = ['writ_native.node', ...(withTpm ? ['writ_tpm.node'] : [])];
  const key = digestOfContents(sources, `${process.version} ${process.arch} ${withTpm ? 'tpm' : 'no tpm'}`);
  if (stampMatches('native-sanitized', key) && names.every((name) => existsSync(join(release, name))))
    return release;
  rmSync(directory, { recursive: true, force: true });
  for (const source of sources) cpSync(source, join(directory, relative(native, source)));
  runNodeGyp(directory, ['--sanitize=address,undefined']);
  writeStamp('native-sanitized', key);
  return release;
}

function compile(directory, files) {
  runNodeGyp(directory, []);
  for (const file of files.filter((compiled) => !loads(compiled))) {
    throw new SetupFailure(
      `${file} was compiled but does not load in Node ${process.version}: remove node_modules and native/build, then start again.`,
    );
  }
}

function runNodeGyp(directory, options) {
  const prefix = nodeHeadersPrefix(process.execPath);
  // Without headers of its own, node-gyp fetches them; a copy in the checkout needs no writable home.
  const headers = prefix
    ? [`--nodedir=${prefix}`]
    : [`--devdir=${inCheckout('node_modules', '.cache', 'node-gyp')}`];
  const nodeGyp = inCheckout('node_modules', 'node-gyp', 'bin', 'node-gyp.js');
  runCommand(process.execPath, [nodeGyp, 'rebuild', '--release', '--jobs=max', ...headers, ...options], {
    cwd: directory,
    name: `node-gyp in ${directory}`,
    advice: 'A C++20 compiler, make and python3 must work; correct that and start again.',
  });
}

/** In a process of its own, because loading foreign code could end the process that tries it. */
function loads(file) {
  if (!existsSync(file)) return false;
  if (!file.endsWith('.node')) return true;
  return tryCommand(process.execPath, ['-e', 'process.dlopen({ exports: {} }, process.argv[1])', file])
    .succeeded;
}
