/** C2SP signed-note v1.0.0: text with signature lines, and the verifier keys (vkeys) that check them. Ed25519 only. */

import { sha256 } from '../hash/sha256.js';
import { base64Decode, base64Encode } from './base64.js';
import { concatBytes, equalBytes } from './bytes.js';
import { hexDecode, hexEncode } from './hex.js';
import { utf8Encode } from './utf8.js';

/** A verifier key: the name and id that a signature line carries, and the raw 32-byte Ed25519 public key. */
export interface VerifierKey {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly publicKey: Uint8Array;
}

export interface NoteSignature {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

/** A parsed note: `text` ends in a newline and is what the signatures cover. Nothing in it is trusted yet. */
export interface SignedNote {
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

const ed25519Type = 0x01;
const maxNoteChars = 16_384;
const maxSignatures = 32;
const signatureLine = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/u;

/** Key id: the first four bytes of SHA-256(name, newline, 0x01, public key). */
export function noteKeyId(name: string, publicKey: Uint8Array): Uint8Array {
  return sha256(concatBytes(utf8Encode(`${name}\n`), Uint8Array.of(ed25519Type), publicKey)).slice(0, 4);
}

/** A verifier key for a name and a raw public key. Throws SyntaxError for a name the specification forbids. */
export function verifierKey(name: string, publicKey: Uint8Array): VerifierKey {
  if (!isKeyName(name))
    throw new SyntaxError('a key name is non-empty and holds no space, plus or control character');
  return { name, keyId: noteKeyId(name, publicKey), publicKey };
}

/** `name+hex(id)+base64(0x01 || public key)`. */
export function formatVerifierKey(key: VerifierKey): string {
  const material = base64Encode(concatBytes(Uint8Array.of(ed25519Type), key.publicKey));
  return `${key.name}+${hexEncode(key.keyId)}+${material}`;
}

/** Reads a vkey. Throws SyntaxError when its shape, its algorithm or its id is wrong. */
export function parseVerifierKey(vkey: string): VerifierKey {
  const [name, id, ...rest] = vkey.split('+');
  const material = base64Decode(rest.join('+'));
  if (name === undefined || id === undefined || material.length !== 33 || material[0] !== ed25519Type) {
    throw new SyntaxError('not an Ed25519 verifier key (C2SP signed-note)');
  }
  const key = verifierKey(name, material.slice(1));
  if (!equalBytes(key.keyId, hexDecode(id)))
    throw new SyntaxError('the verifier key does not match its own key id');
  return key;
}

/** Text, blank line, one line a signature. */
export function formatNote(text: string, signatures: readonly NoteSignature[]): string {
  const lines = signatures.map(
    ({ name, keyId, signature }) => `\u2014 ${name} ${base64Encode(concatBytes(keyId, signature))}\n`,
  );
  return `${text}\n${lines.join('')}`;
}

/** Reads a note. Throws SyntaxError when it breaks the specification or our limits on its size. */
export function parseNote(note: string): SignedNote {
  if (note.length > maxNoteChars) throw new SyntaxError('the note is too long');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the specification forbids exactly these.
  if (/[\x00-\x09\x0b-\x1f]/.test(note) || !note.isWellFormed())
    throw new SyntaxError('the note holds a control character');
  const split = note.lastIndexOf('\n\n');
  if (split < 0 || !note.endsWith('\n')) throw new SyntaxError('the note has no signatures');
  const lines = note.slice(split + 2, -1).split('\n');
  if (lines.length > maxSignatures) throw new SyntaxError('the note has too many signatures');
  return { text: note.slice(0, split + 1), signatures: lines.map(parseSignatureLine) };
}

/** The signatures that a known key claims to have made: both name and id must match. */
export function signaturesOf(note: SignedNote, key: VerifierKey): readonly NoteSignature[] {
  return note.signatures.filter(({ name, keyId }) => name === key.name && equalBytes(keyId, key.keyId));
}

function parseSignatureLine(line: string): NoteSignature {
  const [, name, encoded] = signatureLine.exec(line) ?? [];
  if (name === undefined || encoded === undefined)
    throw new SyntaxError('not a signature line (C2SP signed-note)');
  const bytes = base64Decode(encoded);
  if (bytes.length < 5) throw new SyntaxError('a signature line is too short');
  return { name, keyId: bytes.slice(0, 4), signature: bytes.slice(4) };
}

function isKeyName(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a note may hold none.
  return name.isWellFormed() && /^[^\s+\x00-\x1f]+$/u.test(name);
}
