// Where things lie in the checkout. Every script takes its paths from here, so none depends on the
// directory that it was started in.

import { existsSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout's root directory, absolute. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');

/** @param {...string} parts a path below the root */
export const inCheckout = (...parts) => join(ROOT, ...parts);

/** The compiled command line. */
export const WRIT_MAIN = inCheckout('dist', 'src', 'cli', 'main.js');
/** The command itself: the native launcher, which hands on to the compiled command line what is no run; Node alone elsewhere. */
export const WRIT =
  process.platform === 'linux'
    ? inCheckout('native', 'build', 'Release', 'writ-run')
    : inCheckout('bin', 'writ');
/** The daemon's launcher. */
export const WRITD = inCheckout('bin', 'writd');

/** The state directory of the development daemon: `WRIT_HOME`, or `.writ` in the checkout. */
export function stateDirectory(environment = process.env) {
  const chosen = environment.WRIT_HOME;
  return chosen ? resolve(chosen) : inCheckout('.writ');
}

/**
 * The installation prefix of the running Node when its own C headers lie there: native modules then
 * need no header download. `undefined` where a distribution ships Node without headers.
 */
export function nodeHeadersPrefix(executable) {
  const prefix = resolve(realpathSync(executable), '..', '..');
  return existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? prefix : undefined;
}
