/**
 * Every policy bundle that was ever in force, kept for good: whoever wants to decide again what was decided needs the very
 * bundle. A file holds exactly the document that the bundle's digest is computed over, and is named by it, so a file
 * that was changed is noticed, and `openssl dgst -sha3-512` checks one too.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type BundleFiles, bundleDigest, bundleDocument } from '../format/bundle-digest.js';
import { equalBytes } from '../format/bytes.js';
import { hexEncode } from '../format/hex.js';
import { parseJsonBytes } from '../format/strict-json.js';
import { sha3_512 } from '../hash/evidence.js';
import { makeDirectoryDurably, writeDurably } from '../log/durable-file.js';
import { PolicyBundleError } from './bundle-error.js';

const documentSchema = z.strictObject({
  type: z.literal('writ.policy-bundle/v1'),
  files: z.record(z.string(), z.string()),
});

export class BundleStore {
  readonly #directory: string;

  /** `directory` is made when the first bundle is kept. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Keeps a bundle, durably on return, and returns its digest. Rejects with the system's error. */
  async keep(files: BundleFiles): Promise<string> {
    const digest = bundleDigest(files);
    const path = this.#pathOf(digest);
    const document = bundleDocument(files);
    if (await holds(path, document)) return digest;
    await makeDirectoryDurably(this.#directory, 0o700);
    await writeDurably(path, document, 0o600);
    return digest;
  }

  /**
   * The files of the bundle with this digest (128 hexadecimal digits), or null where none is kept. Throws
   * PolicyBundleError for a file that holds something else, and the system's error for one that cannot be read.
   */
  async find(digest: string): Promise<BundleFiles | null> {
    const path = this.#pathOf(digest);
    let document: Uint8Array;
    try {
      document = await readFile(path);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw cause;
    }
    if (hexEncode(sha3_512(document)) !== digest)
      throw new PolicyBundleError(
        path,
        'the file does not hold the bundle that its name says',
        'Restore it from a backup; nothing that was decided under this bundle can be decided again without it.',
      );
    // What has this digest was written by `keep`.
    return documentSchema.parse(parseJsonBytes(document)).files;
  }

  #pathOf(digest: string): string {
    return join(this.#directory, `${digest}.json`);
  }
}

async function holds(path: string, document: Uint8Array): Promise<boolean> {
  try {
    return equalBytes(await readFile(path), document);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw cause;
  }
}
