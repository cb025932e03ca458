/** The version of this installation, from its package.json. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './locations.js';

/** Reads the version. Throws when the installation is incomplete. */
export function readVersion(): string {
  const { version }: { readonly version?: unknown } = JSON.parse(
    readFileSync(join(projectRoot, 'package.json'), 'utf8'),
  );
  if (typeof version !== 'string') throw new Error('package.json names no version');
  return version;
}
