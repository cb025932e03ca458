/** The log of a state directory as the commands about past decisions read it: its files, beside a running daemon or without one. */

import { join } from 'node:path';
import { LogDamageError } from '../log/damage.js';
import { BundleStore } from '../policy/bundle-store.js';
import { type PastEntry, pastEntries } from '../policy/past-decisions.js';
import type { FindBundle } from '../policy/replay.js';
import { fileProblem, MissingError, UsageError } from './cli-error.js';
import type { CliContext } from './context.js';

/** Every entry, oldest first. Throws MissingError where this user has no journal to read, UsageError for a damaged one. */
export async function* entriesOf({ locations }: CliContext): AsyncGenerator<PastEntry> {
  const journal = join(locations.stateDirectory, 'journal');
  try {
    yield* pastEntries(journal);
  } catch (cause) {
    throw explainedTrouble(journal, cause);
  }
}

/** Bundles that were in force, by their digests. */
export function bundlesOf({ locations }: CliContext): FindBundle {
  const store = new BundleStore(join(locations.stateDirectory, 'policies'));
  return (digest) => store.find(digest);
}

/** Whether this user has no such files, or may not read them. */
export function isOutOfReach(cause: unknown): boolean {
  return ['ENOENT', 'EACCES', 'EPERM'].includes((cause as NodeJS.ErrnoException).code ?? '');
}

/** What reading a journal throws, as what a command throws. */
export function explainedTrouble(journal: string, cause: unknown): unknown {
  if (cause instanceof LogDamageError)
    return new UsageError(`${cause.message}; writ log check tells more`, { cause });
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT')
    return new MissingError(`there is no journal at ${journal}: name the state directory with --state`, {
      cause,
    });
  if (code === 'EACCES' || code === 'EPERM')
    return new MissingError(`${fileProblem(journal, cause)}: run this as the user of the daemon`, { cause });
  return cause;
}
