// Installs exactly what package-lock.json names. No package's own install script runs here: the two
// native modules are compiled by native-addons.mjs, from the sources that the lock file's digests
// cover, so neither npm's policy on scripts nor a ready-made binary from elsewhere plays a part.

import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { inCheckout, ROOT } from './checkout.mjs';
import { runCommand, say } from './command.mjs';

/** Settings in a user's npm configuration that would give another tree than ours, each put right. */
const OVERRIDES = [
  '--include=dev',
  '--include=optional',
  '--global=false',
  '--bin-links=true',
  '--package-lock=true',
  '--dry-run=false',
  '--install-strategy=hoisted',
  '--ignore-scripts=true',
  '--loglevel=error',
];

/**
 * Brings node_modules in line with package-lock.json; does nothing when it is.
 * @throws {SetupFailure} when npm fails
 */
export function provideNodeModules() {
  if (installedAsLocked()) return;
  say('installing node modules (npm ci)');
  const cache = temporaryCacheIfNeeded();
  try {
    const [program, ...args] = npmCommand();
    runCommand(program, [...args, 'ci', ...OVERRIDES, ...(cache ? [`--cache=${cache}`] : [])], {
      name: 'npm ci',
      advice: 'Check the network and the npm registry setting, then start again.',
    });
  } finally {
    if (cache) rmSync(cache, { recursive: true, force: true });
  }
}

/**
 * npm keeps in node_modules/.package-lock.json what it really installed. The tree is as locked when
 * both files agree on every package; only what is optional (another platform's binaries) may be absent.
 */
function installedAsLocked() {
  const installed = packagesOf(inCheckout('node_modules', '.package-lock.json'));
  const locked = packagesOf(inCheckout('package-lock.json'));
  if (!installed || !locked) return false;
  const wanted = Object.entries(locked).filter(([path]) => path !== '');
  const agree = wanted.every(([path, entry]) => {
    const found = installed[path];
    if (!found) return entry.optional === true;
    return (
      found.version === entry.version &&
      found.integrity === entry.integrity &&
      existsSync(join(ROOT, path, 'package.json'))
    );
  });
  return agree && Object.keys(installed).every((path) => locked[path] !== undefined);
}

/** @returns {Record<string, { version?: string, integrity?: string, optional?: boolean }> | undefined} */
function packagesOf(lockFile) {
  if (!existsSync(lockFile)) return undefined;
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages;
}

/** The npm that runs us, else the one beside the running Node, else the one on the search path. */
function npmCommand() {
  const beside = join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js');
  const runsUs = process.env.npm_execpath;
  if (runsUs && basename(runsUs) === 'npm-cli.js' && existsSync(runsUs)) return [process.execPath, runsUs];
  if (existsSync(beside)) return [process.execPath, beside];
  return ['npm'];
}

/** A directory for npm's cache where its own cannot be written (a read-only home), to be removed afterwards. */
function temporaryCacheIfNeeded() {
  const usual = process.env.npm_config_cache ?? join(homedir(), '.npm');
  try {
    mkdirSync(usual, { recursive: true });
    accessSync(usual, constants.W_OK);
    return undefined;
  } catch (error) {
    const cache = mkdtempSync(join(tmpdir(), 'writ-npm-cache-'));
    say(`npm's cache ${usual} cannot be written (${error.code}); using a temporary one`);
    return cache;
  }
}
