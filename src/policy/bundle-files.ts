/** Reads the files of a policy bundle, each exactly once. */

import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BundleFiles } from '../format/bundle-digest.js';
import { utf8Decode } from '../format/utf8.js';
import { PolicyBundleError } from './bundle-error.js';

export const settingsFile = 'bundle.toml';
export const schemaFile = 'schema.cedarschema';
export const entitiesFile = 'entities.json';
/** May be left out. */
export const approversFile = 'approvers.toml';
export const policySuffix = '.cedar';

const bundleNames: ReadonlySet<string> = new Set([settingsFile, schemaFile, entitiesFile, approversFile]);

const maxFileBytes = 1 << 20;
const maxPolicyFiles = 256;
const fileName = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/**
 * Reads `bundle.toml`, `schema.cedarschema`, `entities.json`, `approvers.toml` where there is one, and every `*.cedar` of a
 * directory. Other files and hidden ones are no part of the bundle. Throws PolicyBundleError.
 */
export async function readBundleFiles(directory: string): Promise<BundleFiles> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (cause) {
    throw new PolicyBundleError(
      directory,
      'the directory of the policy bundle cannot be read',
      'Create it, or configure the directory that holds the bundle.',
      { cause },
    );
  }
  const policyFiles = names.filter((name) => name.endsWith(policySuffix) && !name.startsWith('.')).sort();
  if (policyFiles.length === 0 || policyFiles.length > maxPolicyFiles) {
    throw new PolicyBundleError(
      directory,
      `there are ${policyFiles.length} policy files (*${policySuffix})`,
      `Keep at least one and at most ${maxPolicyFiles}; one that is empty denies everything.`,
    );
  }
  const files: [string, string][] = [];
  const optional = names.includes(approversFile) ? [approversFile] : [];
  for (const name of [settingsFile, schemaFile, entitiesFile, ...optional, ...policyFiles]) {
    files.push([name, await readBundleText(directory, name)]);
  }
  return Object.fromEntries(files);
}

/** Throws PolicyBundleError for files that no directory's bundle would have: what is signed and kept is what decides. */
export function requireBundleNames(place: string, files: BundleFiles): void {
  for (const [name, text] of Object.entries(files)) {
    const isPart = bundleNames.has(name) || (name.endsWith(policySuffix) && fileName.test(name));
    if (!isPart)
      throw new PolicyBundleError(join(place, name), 'this is no file of a bundle', 'Leave it out.');
    if (text.length > maxFileBytes)
      throw new PolicyBundleError(
        join(place, name),
        `the file has more than ${maxFileBytes} characters`,
        'Split it.',
      );
  }
}

/** Reads one file of a bundle, of bounded size. Throws PolicyBundleError. */
export async function readBundleText(directory: string, name: string): Promise<string> {
  const path = join(directory, name);
  if (!fileName.test(name)) {
    throw new PolicyBundleError(
      path,
      'the name of the file holds unusual characters',
      'Use letters, digits, dots, hyphens and underscores only.',
    );
  }
  const bytes = await readBounded(path);
  try {
    return utf8Decode(bytes);
  } catch (cause) {
    throw new PolicyBundleError(path, 'the file is not valid UTF-8', 'Save it as UTF-8.', { cause });
  }
}

async function readBounded(path: string): Promise<Uint8Array> {
  let bytes: Uint8Array | null = null;
  try {
    const facts = await stat(path);
    if (facts.isFile() && facts.size <= maxFileBytes) bytes = await readFile(path);
  } catch (cause) {
    throw new PolicyBundleError(
      path,
      'the file is missing or cannot be read',
      'A bundle needs bundle.toml, schema.cedarschema, entities.json and *.cedar, readable by the daemon.',
      { cause },
    );
  }
  if (bytes === null || bytes.length > maxFileBytes) {
    throw new PolicyBundleError(
      path,
      `this is not a regular file of at most ${maxFileBytes} bytes`,
      'Replace it by one, or split the policies over several files.',
    );
  }
  return bytes;
}
