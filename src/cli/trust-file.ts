/** The pinned trust bundle: the one named on the command line, or trust.json in the state directory. */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTrust, type Trust } from '../format/trust.js';
import { readJsonFile } from './artifact-file.js';
import { UsageError } from './cli-error.js';
import type { CliContext } from './context.js';

/** Reads the pinned keys. Throws UsageError when there are none, or when the file is no trust bundle. */
export async function loadTrust({ locations }: CliContext, named: string | undefined): Promise<Trust> {
  const path = named ?? join(locations.stateDirectory, 'trust.json');
  if (named === undefined && (await isMissing(path))) {
    throw new UsageError(
      `no trust bundle: ${path} does not exist. Name one with --trust FILE, or make one with writ trust export and pin it`,
    );
  }
  const document = await readJsonFile(path);
  try {
    return parseTrust(document);
  } catch (cause) {
    throw new UsageError(`${path} cannot be used: ${(cause as Error).message}`, { cause });
  }
}

/** False also for a file that this user may not see: reading it says why it cannot be used. */
async function isMissing(path: string): Promise<boolean> {
  try {
    await stat(path);
    return false;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
