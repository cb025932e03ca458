/** The three digests of a file, streamed. For callers of the daemon, which digest what they sign, check or start. */

import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { DigestSet } from '../format/digest-set.js';

export interface FileDigests {
  readonly digests: DigestSet;
  readonly sizeBytes: number;
}

/** The file is not one that digests can name, or changed while it was read. */
export class FileDigestError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FileDigestError';
  }
}

const chunkBytes = 1 << 20;

/**
 * Digests a regular file. Rejects with FileDigestError for anything else and for a file that changed meanwhile, and
 * with what the file system throws.
 */
export async function digestFile(path: string | Buffer): Promise<FileDigests> {
  // Without O_NONBLOCK, opening a FIFO would wait for somebody to write to it.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const before = await file.stat({ bigint: true });
    if (!before.isFile())
      throw new FileDigestError(`${path} is not a regular file, so no digest can name it`);
    const digested = await digestAll(file);
    const after = await file.stat({ bigint: true });
    if (after.mtimeNs !== before.mtimeNs || after.ctimeNs !== before.ctimeNs || after.size !== before.size) {
      throw new FileDigestError(`${path} changed while it was digested; try again when nobody writes to it`);
    }
    return digested;
  } finally {
    await file.close();
  }
}

async function digestAll(file: FileHandle): Promise<FileDigests> {
  const [sha3, blake2b, sha256] = [createHash('sha3-512'), createHash('blake2b512'), createHash('sha256')];
  const chunk = Buffer.alloc(chunkBytes);
  let sizeBytes = 0;
  for (;;) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length);
    if (bytesRead === 0) break;
    const bytes = chunk.subarray(0, bytesRead);
    for (const hash of [sha3, blake2b, sha256]) hash.update(bytes);
    sizeBytes += bytesRead;
  }
  const digests = {
    sha3_512: sha3.digest('hex'),
    blake2b: blake2b.digest('hex'),
    sha256: sha256.digest('hex'),
  };
  return { digests, sizeBytes };
}
