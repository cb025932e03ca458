/**
 * The proofs that policy bundles were signed, kept beside the bundles for good: a start shows by them that the bundle in
 * force is an authority's, and whoever verifies an artifact offline is given one. Named by their digest, which the record
 * of an activation names too, so a file that was changed is noticed.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  decodePolicyDocument,
  encodePolicyDocument,
  isProof,
  type PolicyProof,
  proofDigest,
} from '../format/policy-document.js';
import { makeDirectoryDurably, writeDurably } from '../log/durable-file.js';
import { PolicyBundleError } from './bundle-error.js';

export class ProofStore {
  readonly #directory: string;

  /** `directory` is made when the first proof is kept. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Keeps a proof, durably on return, and returns its digest. Rejects with the system's error. */
  async keep(proof: PolicyProof): Promise<string> {
    const digest = proofDigest(proof);
    await makeDirectoryDurably(this.#directory, 0o700);
    await writeDurably(this.#pathOf(digest), encodePolicyDocument(proof), 0o600);
    return digest;
  }

  /**
   * The proof with this digest (128 hexadecimal digits), or null where none is kept. Throws PolicyBundleError for a file
   * that holds something else, and the system's error for one that cannot be read.
   */
  async find(digest: string): Promise<PolicyProof | null> {
    const path = this.#pathOf(digest);
    let bytes: Uint8Array;
    try {
      bytes = await readFile(path);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw cause;
    }
    const proof = proofIn(bytes);
    if (proof !== null && proofDigest(proof) === digest) return proof;
    throw new PolicyBundleError(
      path,
      'the file does not hold the proof that its name says',
      'Restore it from a backup, or activate the bundle with its signature again.',
    );
  }

  #pathOf(digest: string): string {
    return join(this.#directory, `${digest}.proof.json`);
  }
}

function proofIn(bytes: Uint8Array): PolicyProof | null {
  try {
    const document = decodePolicyDocument(bytes);
    return isProof(document) ? document : null;
  } catch (cause) {
    // What is no document is read as one that was changed.
    if (cause instanceof Error) return null;
    throw cause;
  }
}
