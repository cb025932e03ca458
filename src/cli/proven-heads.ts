/**
 * Old artifacts under a new trust bundle: their proofs lie under tree heads that a retired key signed before its final one. A
 * copy of the published log proves that those heads lie under the final one, to whoever has the bundle; who made the copy does
 * not matter.
 */

import { type Checkpoint, parseCheckpoint } from '../format/checkpoint.js';
import { parseNote } from '../format/note.js';
import type { Trust } from '../format/trust.js';
import { PublishedLog, PublishedLogError } from '../log/published-log.js';
import { PublishedTree } from '../log/published-tree.js';
import { ProofError } from '../merkle/proof.js';
import { ArtifactReader } from '../verify/artifact-reader.js';
import { withProvenHead } from '../verify/checkpoint.js';
import { fileProblem, UsageError } from './cli-error.js';

/**
 * The trust bundle with the tree heads of the artifacts' proofs, as far as the copy in `directory` proves them; `problems` says
 * of each other why not. Throws UsageError for a directory that holds no published log.
 */
export async function withHeadsFrom(
  directory: string,
  pinned: Trust,
  candidates: readonly unknown[],
): Promise<{ readonly trust: Trust; readonly problems: readonly string[] }> {
  const tree = await publishedTree(directory);
  const problems: string[] = [];
  let trust = pinned;
  for (const { head, finalSize } of headsToProve(pinned, candidates)) {
    try {
      trust = withProvenHead(trust, head, finalSize, await tree.consistency(head.size, finalSize));
    } catch (cause) {
      if (!(cause instanceof ProofError || cause instanceof PublishedLogError)) throw cause;
      const file = cause instanceof PublishedLogError ? `${cause.file}: ` : '';
      problems.push(
        `the log in ${directory} does not prove that the tree of ${head.size} entries lies under the final one of ${finalSize}: ` +
          `${file}${cause.message}`,
      );
    }
  }
  return { trust, problems };
}

async function publishedTree(directory: string): Promise<PublishedTree> {
  const published = new PublishedLog(directory);
  try {
    const note = await published.checkpoint();
    if (note === null)
      throw new UsageError(`${directory} holds no published log: there is no checkpoint in it`);
    return new PublishedTree(published, parseCheckpoint(parseNote(note).text).size);
  } catch (cause) {
    if (cause instanceof SyntaxError)
      throw new UsageError(`the checkpoint in ${directory} cannot be read: ${cause.message}`, { cause });
    if (typeof (cause as NodeJS.ErrnoException).code !== 'string') throw cause;
    throw new UsageError(fileProblem(directory, cause), { cause });
  }
}

/** Each earlier tree head once, with the final head that it should lie under: that of the key which is to have signed it. */
function headsToProve(
  { logs }: Trust,
  candidates: readonly unknown[],
): readonly { readonly head: Checkpoint; readonly finalSize: number }[] {
  const reader = new ArtifactReader();
  const notes = candidates.flatMap((candidate) => {
    const artifact = reader.read(candidate);
    return artifact.outcome === 'read' ? [artifact.proof.checkpoint] : [];
  });
  return [...new Set(notes)].flatMap((note) => {
    const head = readHead(note);
    if (head === null) return [];
    const finals = logs.flatMap(({ origin, retired }) =>
      origin === head.origin && retired ? [retired.size] : [],
    );
    return finals.filter((finalSize) => head.size < finalSize).map((finalSize) => ({ head, finalSize }));
  });
}

/** Null for what is no checkpoint, which is for the verifier to say. */
function readHead(note: string): Checkpoint | null {
  try {
    return parseCheckpoint(parseNote(note).text);
  } catch (cause) {
    if (cause instanceof SyntaxError) return null;
    throw cause;
  }
}
