/** Where Writ keeps its state and listens: development in a checkout, or an installed system. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Locations {
  readonly stateDirectory: string;
  readonly socketPath: string;
}

/** Root of the checkout or installation that this file was built in. */
export const projectRoot = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * `WRIT_HOME` and `WRIT_SOCKET` win; a checkout keeps everything in its `.writ/`; an installed system uses
 * `/var/lib/writ` and `/run/writ/writ.sock`.
 */
export function resolveLocations(environment: Readonly<Record<string, string | undefined>>): Locations {
  const { WRIT_HOME: home, WRIT_SOCKET: socket } = environment;
  if (home === undefined && !isCheckout(projectRoot)) {
    return { stateDirectory: '/var/lib/writ', socketPath: socket ?? '/run/writ/writ.sock' };
  }
  const stateDirectory = home ?? join(projectRoot, '.writ');
  return { stateDirectory, socketPath: socket ?? join(stateDirectory, 'writ.sock') };
}

/** A checkout has sources beside its package.json; an installation has not. */
function isCheckout(root: string): boolean {
  const manifest = join(root, 'package.json');
  if (!existsSync(manifest) || !existsSync(join(root, 'src'))) return false;
  const { name }: { readonly name?: unknown } = JSON.parse(readFileSync(manifest, 'utf8'));
  return name === 'writ';
}
