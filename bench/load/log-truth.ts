/** After the load: is the log whole, and does it hold everything that was acknowledged? */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { artifactIdOf } from '../../src/format/artifact-id.js';
import { decodeEntry } from '../../src/format/entry.js';
import type { Trust } from '../../src/format/trust.js';
import { checkLog } from '../../src/log/check.js';
import { PublishedLog } from '../../src/log/published-log.js';
import { bundlesBetween, tileWidth } from '../../src/merkle/tile.js';
import { readAcknowledgements } from './acknowledgements.js';

export interface LogTruth {
  readonly entries: number;
  readonly acknowledged: number;
  /** Acknowledged, but not in the sealed log at the index that the answer named. */
  readonly missing: number;
  /** What is wrong with the log itself; null when it is whole. */
  readonly fault: string | null;
  /** Whether every payload was digested again, or the published tree alone recomputed. */
  readonly payloads: 'checked' | 'not checked';
}

/** Checks the log of a stopped daemon against the files that its loads saved. */
export async function logTruth(
  stateDirectory: string,
  trust: Trust,
  files: readonly string[],
  payloads: LogTruth['payloads'],
): Promise<LogTruth> {
  const directory = join(stateDirectory, 'log');
  const journal = payloads === 'checked' ? join(stateDirectory, 'journal') : null;
  const check = await checkLog({ log: directory, journal }, trust);
  if (check.outcome === 'damaged') {
    return { entries: 0, acknowledged: 0, missing: 0, fault: `${check.where}: ${check.what}`, payloads };
  }
  const ids = await publishedIds(new PublishedLog(directory), check.checkpoint.size);
  let acknowledged = 0;
  let missing = 0;
  for (const file of files) {
    for (const { digest, index } of readAcknowledgements(await readFile(file))) {
      acknowledged += 1;
      if (ids[index] !== `sha3-512:${digest}`) missing += 1;
    }
  }
  return { entries: check.checkpoint.size, acknowledged, missing, fault: null, payloads };
}

/** The id of every published entry, by its index. */
async function publishedIds(log: PublishedLog, size: number): Promise<string[]> {
  const ids: string[] = [];
  for (const { index, width } of bundlesBetween(0, size)) {
    const leaves = await log.leaves(index, width);
    leaves.forEach((leaf, at) => {
      ids[index * tileWidth + at] = artifactIdOf(decodeEntry(leaf).digests);
    });
  }
  return ids;
}
