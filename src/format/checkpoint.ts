/** C2SP tlog-checkpoint: the three lines that a log signs: origin, tree size, root hash. */

import { base64Decode, base64Encode } from './base64.js';

/** A tree head: how many entries the log `origin` held, and the RFC 6962 root over them. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

/** A size as the specification writes it: decimal, no leading zero, and small enough to be exact here. */
const decimal = /^(?:0|[1-9][0-9]{0,15})$/;

/** The note text that a log key signs. Throws RangeError for a size or root that no log can have. */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  if (!Number.isSafeInteger(size) || size < 0 || root.length !== 32)
    throw new RangeError('no such tree head');
  if (origin === '' || origin.includes('\n')) throw new RangeError('an origin is one non-empty line');
  return `${origin}\n${size}\n${base64Encode(root)}\n`;
}

/** Reads note text as a checkpoint. Extension lines, which we never write, are refused. Throws SyntaxError. */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin, size, root, end, ...extensions] = text.split('\n');
  if (origin === undefined || origin === '' || size === undefined || root === undefined || end !== '') {
    throw new SyntaxError('not a checkpoint (C2SP tlog-checkpoint)');
  }
  if (extensions.length > 0)
    throw new SyntaxError('the checkpoint has extension lines, which no log of ours writes');
  const bytes = base64Decode(root);
  if (bytes.length !== 32) throw new SyntaxError('the checkpoint root is not 32 bytes');
  return { origin, size: parseTreeNumber(size), root: bytes };
}

/** Reads a tree size or entry index. Throws SyntaxError unless it is the one decimal spelling of a safe integer. */
export function parseTreeNumber(text: string): number {
  const number = Number(text);
  if (!decimal.test(text) || !Number.isSafeInteger(number)) throw new SyntaxError('not a tree size or index');
  return number;
}
