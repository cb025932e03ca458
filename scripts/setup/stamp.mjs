// Content stamps: what a step last built from, kept under node_modules/.cache/writ so that a fresh
// installation forgets them all. A stamp is a shortcut only; each step also looks at its output.

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inCheckout } from './checkout.mjs';

const STAMPS = inCheckout('node_modules', '.cache', 'writ');

/** @returns {boolean} whether the step's stamp says exactly `key` */
export function stampMatches(step, key) {
  try {
    return readFileSync(join(STAMPS, step), 'utf8') === key;
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

/** Records what the step was built from. Call it after the output exists, never before. */
export function writeStamp(step, key) {
  mkdirSync(STAMPS, { recursive: true });
  writeFileSync(join(STAMPS, step), key);
}

/** SHA-256 over the contents of the named files, with their names; for few and small files. */
export function digestOfContents(paths, salt = '') {
  const hash = createHash('sha256').update(`${salt}\0`);
  for (const path of paths) hash.update(`${path}\0`).update(readFileSync(path)).update('\0');
  return hash.digest('hex');
}

/** SHA-256 over names, sizes and modification times: as good for noticing an edit, and cheaper. */
export function digestOfMetadata(paths, salt = '') {
  const hash = createHash('sha256').update(`${salt}\0`);
  for (const path of paths) {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${path}\0${size}\0${mtimeMs}\0`);
  }
  return hash.digest('hex');
}

/**
 * Every file below a directory, absolute and sorted; none when the directory does not exist.
 * @param {string} directory
 * @param {(name: string) => boolean} [enter] whether to walk into a subdirectory of that name
 * @returns {string[]}
 */
export function filesBelow(directory, enter = () => true) {
  let entries;
  try {
    entries = readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
  return entries
    .flatMap((entry) => {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) return enter(entry.name) ? filesBelow(path, enter) : [];
      return entry.isFile() ? [path] : [];
    })
    .sort();
}
