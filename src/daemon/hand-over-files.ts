/**
 * The directory of hand-overs: the entries that name new keys, each with its proof under the old log key. A file lies there
 * before its hand-over counts, so one that was killed in between leaves files behind, and their tree heads are no key's
 * final ones. Only `keys.json` says which hand-overs were done.
 */

import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { equalBytes } from '../format/bytes.js';
import { parseCheckpoint } from '../format/checkpoint.js';
import type { Envelope } from '../format/dsse.js';
import { parseNote } from '../format/note.js';
import { parseJsonBytes } from '../format/strict-json.js';
import type { FinalHead, KeySuccession } from '../hsm/succession.js';
import { makeDirectoryDurably, syncDirectory, writeDurably } from '../log/durable-file.js';
import { ArtifactReader } from '../verify/artifact-reader.js';

/** Where they lie in the state directory. */
export const handOverDirectory = 'hand-over';

/** Writes the entry at this log index. Their order is the log's: who missed some takes them one after the other. */
export async function writeHandOver(
  stateDirectory: string,
  index: number,
  envelope: Envelope,
): Promise<void> {
  const directory = join(stateDirectory, handOverDirectory);
  await makeDirectoryDurably(directory);
  const name = `${String(index).padStart(16, '0')}.json`;
  await writeDurably(join(directory, name), `${JSON.stringify(envelope)}\n`);
}

/** The envelopes of those that were done, oldest first. Throws for a file that is no JSON. */
export async function finishedHandOvers(
  stateDirectory: string,
  succession: KeySuccession,
): Promise<unknown[]> {
  const files = await readHandOvers(stateDirectory);
  return files.filter(({ head }) => isFinal(head, succession)).map(({ envelope }) => envelope);
}

/** Removes those that were begun and not done. To be called before new ones are written. */
export async function removeUnfinished(stateDirectory: string, succession: KeySuccession): Promise<void> {
  const files = await readHandOvers(stateDirectory);
  // What names no tree head at all is no hand-over, and not ours to remove.
  const left = files.filter(({ head }) => head !== null && !isFinal(head, succession));
  if (left.length === 0) return;
  for (const { path } of left) await rm(path);
  await syncDirectory(join(stateDirectory, handOverDirectory));
}

interface HandOverFile {
  readonly path: string;
  readonly envelope: unknown;
  /** What its proof is under, as it says itself. */
  readonly head: FinalHead | null;
}

async function readHandOvers(stateDirectory: string): Promise<HandOverFile[]> {
  const directory = join(stateDirectory, handOverDirectory);
  const names = (await namesIn(directory)).filter((name) => name.endsWith('.json')).sort();
  return Promise.all(
    names.map(async (name) => {
      const path = join(directory, name);
      const envelope = parseJsonBytes(await readFile(path));
      return { path, envelope, head: headOf(envelope) };
    }),
  );
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    return [];
  }
}

function headOf(envelope: unknown): FinalHead | null {
  const artifact = new ArtifactReader().read(envelope);
  if (artifact.outcome === 'denied') return null;
  try {
    return parseCheckpoint(parseNote(artifact.proof.checkpoint).text);
  } catch (cause) {
    if (cause instanceof SyntaxError) return null;
    throw cause;
  }
}

function isFinal(head: FinalHead | null, { retired }: KeySuccession): boolean {
  return (
    head !== null &&
    retired.some(({ final }) => final.size === head.size && equalBytes(final.root, head.root))
  );
}
