/** The token that a state directory pins (`keys.json`), for commands that look at it. */

import { join } from 'node:path';
import { findKeysFile, type PinnedToken } from '../hsm/keys-file.js';
import { MissingError } from './cli-error.js';
import type { CliContext } from './context.js';

/** Where the pins of a state directory lie. */
export function keysFileOf({ locations }: CliContext): string {
  return join(locations.stateDirectory, 'keys.json');
}

/** Reads the pins. Throws MissingError when no token was set up, HsmError for a file that cannot be used. */
export function pinnedToken(context: CliContext): PinnedToken {
  const path = keysFileOf(context);
  const pinned = findKeysFile(path);
  if (pinned === null)
    throw new MissingError(
      `no token is set up: ${path} does not exist. Run writ token init, or name the state with --state`,
    );
  return pinned;
}
