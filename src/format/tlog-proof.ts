/** C2SP tlog-proof v1: the text that serves as an artifact's signature: index, inclusion proof, signed checkpoint. */

import { base64Decode, base64Encode } from './base64.js';
import { parseTreeNumber } from './checkpoint.js';

/** A proof whose parts are well-formed but not checked. `checkpoint` is the signed note, verbatim. */
export interface TlogProof {
  readonly index: number;
  readonly hashes: readonly Uint8Array[];
  readonly checkpoint: string;
}

const header = 'c2sp.org/tlog-proof@v1';
/** The tree of a safe integer's size is at most 53 levels high. */
export const maxHashes = 53;

/** Writes the proof without an `extra` line: a leaf of ours is recomputed from its payload alone. */
export function formatTlogProof({ index, hashes, checkpoint }: TlogProof): string {
  return `${proofHead(index)}${hashes.map(proofHashLine).join('')}\n${checkpoint}`;
}

/** The lines of a proof before its hashes. */
export function proofHead(index: number): string {
  return `${header}\nindex ${index}\n`;
}

/** The line of one hash of a proof. */
export function proofHashLine(hash: Uint8Array): string {
  return `${base64Encode(hash)}\n`;
}

/** Reads a proof. Throws SyntaxError; an `extra` line is refused because nothing would authenticate it. */
export function parseTlogProof(text: string): TlogProof {
  const split = text.indexOf('\n\n');
  if (split < 0) throw new SyntaxError('the proof has no checkpoint (C2SP tlog-proof)');
  const [first, indexLine, ...hashLines] = text.slice(0, split).split('\n');
  if (first !== header) throw new SyntaxError('not a C2SP tlog-proof v1');
  if (indexLine?.startsWith('index ') !== true)
    throw new SyntaxError('the proof has no index line (C2SP tlog-proof)');
  if (hashLines.length > maxHashes) throw new SyntaxError('the proof is longer than any tree is high');
  return {
    index: parseTreeNumber(indexLine.slice('index '.length)),
    hashes: hashLines.map(parseHash),
    checkpoint: text.slice(split + 2),
  };
}

function parseHash(line: string): Uint8Array {
  const hash = base64Decode(line);
  if (hash.length !== 32) throw new SyntaxError('a proof hash is not 32 bytes');
  return hash;
}
