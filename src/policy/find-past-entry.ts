/** Finds one entry in a journal's files, the newest first: whoever asks why, mostly asks about what just happened. */

import { type ArtifactId, artifactIdOf } from '../format/artifact-id.js';
import { decodeEntry } from '../format/entry.js';
import { firstIndexOf, readSegment, segmentNames } from '../log/journal-reader.js';
import { type PastEntry, pastBatch } from './past-decisions.js';

/** The entry with an id or an index, or null. Throws LogDamageError, and the system's errors. */
export async function findPastEntry(
  directory: string,
  wanted: ArtifactId | number,
): Promise<PastEntry | null> {
  for (const segment of (await segmentNames(directory)).reverse()) {
    let index = firstIndexOf(segment);
    if (typeof wanted === 'number' && wanted < index) continue;
    for await (const item of readSegment(directory, segment)) {
      if (item.item === 'rest' || item.frame.frame !== 'entry') continue;
      const isWanted =
        typeof wanted === 'number'
          ? index === wanted
          : artifactIdOf(decodeEntry(item.frame.leaf).digests) === wanted;
      if (isWanted) {
        const [entry] = pastBatch([item.frame], index);
        return entry ?? null;
      }
      index++;
    }
  }
  return null;
}
