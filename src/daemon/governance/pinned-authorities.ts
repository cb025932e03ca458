/** The policy authorities that somebody pinned on this machine: those of `trust.json` in the state directory. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseJsonBytes } from '../../format/strict-json.js';
import { parseTrust } from '../../format/trust.js';
import { StartError } from '../start-error.js';

/** Their raw keys; none where there is no such file yet. Throws StartError for a file that cannot be used. */
export async function readPinnedAuthorities(stateDirectory: string): Promise<readonly Uint8Array[]> {
  const path = join(stateDirectory, 'trust.json');
  try {
    return parseTrust(parseJsonBytes(await readFile(path))).policyAuthorities;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new StartError(
      `${path} cannot be used, so nothing says which policy authorities count: ${problem}`,
      {
        cause,
      },
    );
  }
}
