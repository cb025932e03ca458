/** The values that several parts of a grant are made of, read from its canonical form as statement-reader.ts reads it. */

import type { ArtifactId } from './artifact-id.js';
import { type CanonicalCursor, unexpected } from './canonical-cursor.js';
import type { DigestSet } from './digest-set.js';
import { parseInstant } from './time.js';

const maxUint32 = 0xffff_ffff;
const maxGroups = 65_536;
export const maxSafe = Number.MAX_SAFE_INTEGER;
export const unbounded = Number.POSITIVE_INFINITY;

export function digests(cursor: CanonicalCursor): DigestSet {
  cursor.pass('{"blake2b":"');
  const blake2b = cursor.hex(128);
  cursor.pass(',"sha256":"');
  const sha256 = cursor.hex(64);
  cursor.pass(',"sha3_512":"');
  const sha3_512 = cursor.hex(128);
  cursor.pass('}');
  return { sha3_512, blake2b, sha256 };
}

export function list<Item>(cursor: CanonicalCursor, item: (cursor: CanonicalCursor) => Item): Item[] {
  cursor.pass('[');
  const items: Item[] = [];
  if (cursor.passes(']')) return items;
  do items.push(item(cursor));
  while (cursor.passes(','));
  cursor.pass(']');
  return items;
}

export function name(cursor: CanonicalCursor): string {
  return cursor.text(1, 256);
}

export function quotedName(cursor: CanonicalCursor): string {
  cursor.pass('"');
  return name(cursor);
}

export function quotedText(cursor: CanonicalCursor): string {
  cursor.pass('"');
  return cursor.text(0, unbounded);
}

export function nullableText(cursor: CanonicalCursor, minLength: number, maxLength: number): string | null {
  if (cursor.passesNull()) return null;
  cursor.pass('"');
  return cursor.text(minLength, maxLength);
}

export function quotedId(cursor: CanonicalCursor): ArtifactId {
  cursor.pass('"sha3-512:');
  return `sha3-512:${cursor.hex(128)}`;
}

export function id32(cursor: CanonicalCursor): number {
  return cursor.integer(0, maxUint32);
}

/** The groups of a process. */
export function groupIds(cursor: CanonicalCursor): number[] {
  const groups = list(cursor, id32);
  if (groups.length > maxGroups) throw unexpected;
  return groups;
}

export function matching(cursor: CanonicalCursor, pattern: RegExp): string {
  const text = cursor.text(0, 64);
  if (!pattern.test(text)) throw unexpected;
  return text;
}

export function instant(cursor: CanonicalCursor): string {
  const text = cursor.text(24, 24);
  try {
    parseInstant(text);
  } catch {
    throw unexpected;
  }
  return text;
}
