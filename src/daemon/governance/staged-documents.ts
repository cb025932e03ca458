/**
 * Policy documents on their way: parts that a user handed over, until all of one is there and it is asked for. In memory
 * only, one for each user and few in all, so that nobody fills the daemon with what is never activated.
 */

import { base64Decode } from '../../format/base64.js';
import { denial } from '../../format/denial.js';
import { hexEncode } from '../../format/hex.js';
import { maxStagedPartBytes, type StageParams } from '../../format/policy-methods.js';
import { sha3_512 } from '../../hash/evidence.js';
import type { Staging } from './activation.js';

interface Staged {
  readonly document: string;
  readonly bytes: Uint8Array;
  receivedBytes: number;
}

/** Users whose documents are kept at the same time; who began longest ago makes room. */
const maxUsers = 8;

export class StagedDocuments {
  /** By uid, the one that began longest ago first. */
  readonly #staged = new Map<number, Staged>();

  /** Takes a part. The first one of another document puts away what the user staged before. */
  take(uid: number, { document, sizeBytes, offset, data }: StageParams): Staging {
    const part = decoded(data);
    if (part === null || part.length === 0 || part.length > maxStagedPartBytes)
      return malformed(`a part is base64 of 1 to ${maxStagedPartBytes} bytes`);
    const staged = offset === 0 ? this.#begin(uid, document, sizeBytes) : this.#staged.get(uid);
    if (staged?.document !== document || staged.bytes.length !== sizeBytes)
      return malformed('nothing of this document is here: hand it over from its beginning');
    if (offset !== staged.receivedBytes || offset + part.length > sizeBytes)
      return malformed(`the next part is the one at ${staged.receivedBytes}, of ${sizeBytes} bytes`);
    staged.bytes.set(part, offset);
    staged.receivedBytes += part.length;
    return { outcome: 'staged', receivedBytes: staged.receivedBytes };
  }

  /** The document that the user staged, which is then forgotten; null unless all of it is here, unchanged. */
  release(uid: number, document: string): Uint8Array | null {
    const staged = this.#staged.get(uid);
    if (staged?.document !== document || staged.receivedBytes < staged.bytes.length) return null;
    this.#staged.delete(uid);
    return hexEncode(sha3_512(staged.bytes)) === document ? staged.bytes : null;
  }

  #begin(uid: number, document: string, sizeBytes: number): Staged {
    this.#staged.delete(uid);
    const [oldest] = this.#staged.keys();
    if (oldest !== undefined && this.#staged.size >= maxUsers) this.#staged.delete(oldest);
    const staged = { document, bytes: new Uint8Array(sizeBytes), receivedBytes: 0 };
    this.#staged.set(uid, staged);
    return staged;
  }
}

function decoded(data: string): Uint8Array | null {
  try {
    return base64Decode(data);
  } catch (cause) {
    // The reader throws SyntaxError or TypeError for text that is not base64.
    if (cause instanceof Error) return null;
    throw cause;
  }
}

function malformed(message: string): Staging {
  return { outcome: 'denied', denial: denial('MALFORMED', message) };
}
