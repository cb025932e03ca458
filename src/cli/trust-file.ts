/** Trust bundles in files: the pinned one (named on the command line, or trust.json in the state directory), and others. */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTrust, type Trust, type TrustDocument } from '../format/trust.js';
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
  return parseTrust(await readTrustDocument(path));
}

/** A trust bundle as its file has it; it parses. Throws UsageError for a file that holds none. */
export async function readTrustDocument(path: string): Promise<TrustDocument> {
  const document = await readJsonFile(path);
  try {
    parseTrust(document);
  } catch (cause) {
    throw new UsageError(`${path} cannot be used: ${(cause as Error).message}`, { cause });
  }
  return document as unknown as TrustDocument;
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
