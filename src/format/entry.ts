/** The log entry (the Merkle leaf): what kind of payload was logged, and the two evidence digests of its PAE. */

import { type EvidenceDigests, evidenceDigests } from '../hash/evidence.js';
import { base64Decode, base64Encode } from './base64.js';
import { pae } from './dsse.js';
import { utf8Decode, utf8Encode } from './utf8.js';

export const entryKinds = [
  'authorization',
  'denial',
  'decision',
  'signature',
  'redemption',
  'revocation',
  'lease',
  'end',
  'approval',
  'policy',
  'key',
  'quote',
  'anchor',
  'snapshot',
  'status',
  'start',
  'stop',
  'recovery',
] as const;

export type EntryKind = (typeof entryKinds)[number];

export interface Entry {
  readonly kind: EntryKind;
  readonly digests: EvidenceDigests;
}

const leafPattern =
  /^writ\.entry\/v1 ([a-z]+)\nsha3-512 ([A-Za-z0-9+/]{86}==)\nblake2b-512 ([A-Za-z0-9+/]{86}==)\n$/;

/** The entry that logs a payload: its digests are taken over the DSSE PAE. */
export function entryOf(kind: EntryKind, payloadType: string, payload: Uint8Array): Entry {
  return { kind, digests: evidenceDigests(pae(payloadType, payload)) };
}

/** The three lines of a leaf, as bytes. */
export function encodeEntry(entry: Entry): Uint8Array {
  return utf8Encode(entryText(entry));
}

/** The three lines of a leaf. */
export function entryText({ kind, digests }: Entry): string {
  return `writ.entry/v1 ${kind}\nsha3-512 ${base64Encode(digests.sha3_512)}\nblake2b-512 ${base64Encode(digests.blake2b)}\n`;
}

/** Reads a leaf. Throws SyntaxError or TypeError for bytes that `encodeEntry` cannot have written. */
export function decodeEntry(leaf: Uint8Array): Entry {
  const [, kind, sha3, blake2b] = leafPattern.exec(utf8Decode(leaf)) ?? [];
  if (kind === undefined || sha3 === undefined || blake2b === undefined || !isEntryKind(kind)) {
    throw new SyntaxError('not a log entry of this version');
  }
  return { kind, digests: { sha3_512: base64Decode(sha3), blake2b: base64Decode(blake2b) } };
}

function isEntryKind(kind: string): kind is EntryKind {
  return (entryKinds as readonly string[]).includes(kind);
}
