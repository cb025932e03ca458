/**
 * The thread that digests files, so that a large or slow one never holds up the daemon. One request at a time, one
 * answer each. Only ./digest-workers.ts starts it.
 */

import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import type { DigestSet } from '../format/digest-set.js';
import { type FileSystemFacts, nativeAddon } from '../kernel/addon.js';
import { errnoName } from '../kernel/errno.js';
import { fileIdentity } from './file-identity.js';
import { parseScriptLine, type ScriptLine, scriptHeadBytes } from './script-line.js';

/** The file behind a descriptor of this process (O_PATH will do), in the state that `identity` names. */
export interface DigestRequest {
  readonly descriptor: number;
  readonly identity: string;
}

export type DigestAnswer =
  | {
      readonly outcome: 'digested';
      readonly digests: DigestSet;
      readonly fileSystem: FileSystemFacts;
      /** The interpreter that the file names, if it is a script. */
      readonly script: ScriptLine | null;
    }
  /** The file was not in that state before or after it was read. */
  | { readonly outcome: 'changed' }
  | { readonly outcome: 'unreadable'; readonly reason: string };

const chunk = new Uint8Array(1 << 20);

parentPort?.on('message', (request: DigestRequest) => parentPort?.postMessage(answer(request)));

function answer({ descriptor, identity }: DigestRequest): DigestAnswer {
  try {
    const file = openSync(`/proc/self/fd/${descriptor}`, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return digestOpenFile(file, identity);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    const code = errnoName(error);
    if (code === null) throw error;
    return { outcome: 'unreadable', reason: code };
  }
}

function digestOpenFile(file: number, identity: string): DigestAnswer {
  const before = fstatSync(file, { bigint: true });
  if (fileIdentity(before) !== identity) return { outcome: 'changed' };
  const hashes = {
    sha3_512: createHash('sha3-512'),
    blake2b: createHash('blake2b512'),
    sha256: createHash('sha256'),
  };
  let sizeBytes = 0n;
  const head = Buffer.alloc(scriptHeadBytes);
  // A file that grows while it is read must not keep this thread busy for ever.
  while (sizeBytes <= before.size) {
    const readBytes = readSync(file, chunk, 0, chunk.length, null);
    if (readBytes === 0) break;
    const part = chunk.subarray(0, readBytes);
    if (sizeBytes < scriptHeadBytes)
      head.set(part.subarray(0, scriptHeadBytes - Number(sizeBytes)), Number(sizeBytes));
    sizeBytes += BigInt(readBytes);
    for (const hash of Object.values(hashes)) hash.update(part);
  }
  const after = fstatSync(file, { bigint: true });
  if (fileIdentity(after) !== identity || sizeBytes !== before.size) return { outcome: 'changed' };
  const digests = {
    sha3_512: hashes.sha3_512.digest('hex'),
    blake2b: hashes.blake2b.digest('hex'),
    sha256: hashes.sha256.digest('hex'),
  };
  const script = parseScriptLine(head.subarray(0, Math.min(scriptHeadBytes, Number(sizeBytes))));
  return { outcome: 'digested', digests, fileSystem: nativeAddon().fileSystem(file), script };
}
