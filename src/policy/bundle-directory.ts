/** A bundle's directory as a policy document: its files, its tests, and the signature that `writ policy sign` left beside them. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleDigest } from '../format/bundle-digest.js';
import { envelopePayload } from '../format/dsse.js';
import { decodePolicyDocument, type PolicyDocument } from '../format/policy-document.js';
import { decodePolicyStatement } from '../format/policy-statement.js';
import { PolicyBundleError } from './bundle-error.js';
import { readBundleFiles } from './bundle-files.js';
import { readTestFiles } from './test-file.js';

/** Where the signature of a directory lies in it. */
export const signatureFile = 'bundle.writ-policy.json';

/**
 * The document of a directory. A signature of another bundle, as that of an earlier state of the directory, is left out, and
 * named in `stale`. Throws PolicyBundleError for files that cannot be read.
 */
export async function readBundleDirectory(
  directory: string,
): Promise<{ readonly document: PolicyDocument; readonly stale: string | null }> {
  const files = await readBundleFiles(directory);
  const tests = await readTestFiles(directory);
  const path = join(directory, signatureFile);
  const unsigned = { type: 'urn:writ:policy-document:v1', files, tests, statement: null, chain: [] } as const;
  const signature = await readSignature(path);
  if (signature === null || signature.statement === null) return { document: unsigned, stale: null };
  const { statement, chain } = signature;
  if (signedBundle(path, signature) !== bundleDigest(files)) return { document: unsigned, stale: path };
  return { document: { ...unsigned, statement, chain }, stale: null };
}

async function readSignature(path: string): Promise<PolicyDocument | null> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw unusable(path, cause);
  }
  try {
    return decodePolicyDocument(bytes);
  } catch (cause) {
    throw unusable(path, cause);
  }
}

function signedBundle(path: string, { statement }: PolicyDocument): string | null {
  if (statement === null) return null;
  try {
    const signed = decodePolicyStatement(envelopePayload(statement));
    return signed.type === 'urn:writ:policy-bundle:v1' ? signed.bundle : null;
  } catch (cause) {
    throw unusable(path, cause);
  }
}

function unusable(path: string, cause: unknown): PolicyBundleError {
  const problem = cause instanceof Error ? cause.message : String(cause);
  return new PolicyBundleError(
    path,
    problem,
    'Sign the bundle again (writ policy sign), or remove the file.',
    {
      cause,
    },
  );
}
