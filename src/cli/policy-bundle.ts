/** Bundles as people name them on the command line: a directory, the digest of one that was in force, or the one in force. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BundleFiles } from '../format/bundle-digest.js';
import { decodePolicyDocument } from '../format/policy-document.js';
import { JsonFaultError } from '../format/strict-json.js';
import { loadBundle, type PolicyBundle } from '../policy/bundle.js';
import { PolicyBundleError } from '../policy/bundle-error.js';
import { readBundleFiles } from '../policy/bundle-files.js';
import { BundleStore } from '../policy/bundle-store.js';
import { withDaemon } from './asking.js';
import { fileProblem, UsageError } from './cli-error.js';
import type { CliContext } from './context.js';

/** What `bundleFilesOf` takes, for help pages. */
export const bundleWords =
  'a directory, a *.writ-policy.json, the digest of a bundle that was in force, or "active"';

/** The sound bundle in a directory. Throws UsageError for one that the daemon would refuse. */
export function bundleIn(directory: string): Promise<PolicyBundle> {
  return explained(() => loadBundle(directory));
}

/** The files of a bundle, which need not be sound. Throws UsageError, or MissingError where there is no such bundle. */
export async function bundleFilesOf(context: CliContext, word: string): Promise<BundleFiles> {
  if (word === 'active') {
    const { files } = await withDaemon(context, (client) => client.policy());
    return Object.fromEntries(files.map(({ name, text }) => [name, text]));
  }
  if (/^[0-9a-f]{128}$/.test(word)) return explained(() => keptBundle(context, word));
  if (word.endsWith('.json')) return documentFiles(word);
  return explained(() => readBundleFiles(word));
}

/** The bundle that a policy document carries. Nothing is said of its signature. */
async function documentFiles(path: string): Promise<BundleFiles> {
  let files: BundleFiles | null;
  try {
    ({ files } = decodePolicyDocument(await readFile(path)));
  } catch (cause) {
    if (cause instanceof JsonFaultError || cause instanceof SyntaxError)
      throw new UsageError(`${path}: ${cause.message}`, { cause });
    throw new UsageError(fileProblem(path, cause), { cause });
  }
  if (files === null) throw new UsageError(`${path} carries signatures alone, and no bundle`);
  return files;
}

async function keptBundle({ locations }: CliContext, digest: string): Promise<BundleFiles> {
  const directory = join(locations.stateDirectory, 'policies');
  const files = await new BundleStore(directory).find(digest);
  if (files === null) throw new UsageError(`${directory} holds no bundle with the digest ${digest}`);
  return files;
}

async function explained<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof PolicyBundleError)
      throw new UsageError(`${cause.message} (writ policy check tells everything that is wrong)`, { cause });
    throw cause;
  }
}
