/** Policy documents as people name them: the directory of a bundle with the signature in it, or a file. */

import {
  decodePolicyDocument,
  maxPolicyDocumentBytes,
  type PolicyDocument,
} from '../format/policy-document.js';
import { UsageError } from './cli-error.js';

/** `stale`: the file of a directory that signs another state of it, and was left out; else null. */
export interface PlacedDocument {
  readonly document: PolicyDocument;
  readonly stale: string | null;
  readonly isDirectory: boolean;
}

/** The document at a place. Throws UsageError. */
export async function documentAt(place: string): Promise<PlacedDocument> {
  const { stat } = await import('node:fs/promises');
  const facts = await stat(place).catch(() => null);
  if (facts?.isDirectory() !== true)
    return { document: await readPolicyDocument(place), stale: null, isDirectory: false };
  const { readBundleDirectory } = await import('../policy/bundle-directory.js');
  return explained(async () => ({ ...(await readBundleDirectory(place)), isDirectory: true }));
}

/** The sound bundle of a document; null where it carries none. Throws UsageError. */
export async function bundleOfDocument(
  place: string,
  { files }: PolicyDocument,
): Promise<import('../policy/bundle.js').PolicyBundle | null> {
  if (files === null) return null;
  const { bundleOf } = await import('../policy/bundle.js');
  return explained(async () => bundleOf(place, files));
}

/** Reads a policy document from a file. Throws UsageError. */
export async function readPolicyDocument(path: string): Promise<PolicyDocument> {
  const { readSmallFile } = await import('./artifact-file.js');
  const bytes = await readSmallFile(path, maxPolicyDocumentBytes);
  try {
    return decodePolicyDocument(bytes);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${path} is no policy document: ${problem}`, { cause });
  }
}

async function explained<Result>(work: () => Promise<Result>): Promise<Result> {
  const { PolicyBundleError } = await import('../policy/bundle-error.js');
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof PolicyBundleError) throw new UsageError(cause.message, { cause });
    throw cause;
  }
}
