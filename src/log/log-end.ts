/**
 * The end of a log, from its files: how far it was written, sealed and published, and when. A quick look that reads the
 * newest journal segment alone, beside a running daemon if need be, and changes nothing; `check.ts` recomputes everything.
 */

import { equalBytes } from '../format/bytes.js';
import { type Checkpoint, parseCheckpoint } from '../format/checkpoint.js';
import { decodeEntry, encodeEntry, entryOf } from '../format/entry.js';
import { parseNote, type SignedNote, signaturesOf, verifierKey } from '../format/note.js';
import { parseInstant } from '../format/time.js';
import { utf8Encode } from '../format/utf8.js';
import { verifyingKey } from '../verify/ed25519.js';
import { decodePayload, payloadTime } from '../verify/payload.js';
import type { EntryFrame } from './journal-frame.js';
import { firstIndexOf, type JournalItem, readSegment, segmentNames } from './journal-reader.js';
import { PublishedLog } from './published-log.js';

/** `none`: nothing was ever logged here. `unreadable`: the system refuses with this errno. `damaged` names what is wrong, and where. Times are Unix milliseconds. */
export type LogEnd =
  | { readonly end: 'none' }
  | { readonly end: 'unreadable'; readonly code: string }
  | { readonly end: 'damaged'; readonly where: string; readonly what: string }
  | {
      readonly end: 'sound';
      readonly entries: number;
      readonly sealedSize: number;
      readonly publishedSize: number;
      /** When the last entry was made; null for a log without entries. */
      readonly lastTimeMs: number | null;
      /** When a daemon last came up, if that is in the newest segment. */
      readonly lastStartMs: number | null;
      /** Bytes of a write that was torn, or is under way. */
      readonly unfinishedBytes: number;
    };

/** Thrown inside this file only. */
class Damage extends Error {
  readonly where: string;
  constructor(where: string, what: string) {
    super(what);
    this.where = where;
  }
}

const startLeaf = utf8Encode('writ.entry/v1 start\n');

/**
 * The raw public keys that may have signed the checkpoints of a log: the one in use, and earlier ones, each up to the final
 * tree head that it handed over with.
 */
export interface LogKeys {
  readonly current: Uint8Array;
  readonly retired: readonly {
    readonly publicKey: Uint8Array;
    readonly final: { readonly size: number; readonly root: Uint8Array };
  }[];
}

/**
 * Looks at the end of a log.
 * @param keys that must have signed its checkpoints; null to believe any
 * Rejects for nothing that files can hold.
 */
export async function readLogEnd(
  directories: { readonly log: string; readonly journal: string },
  keys: LogKeys | null,
): Promise<LogEnd> {
  try {
    // First what is published: while a daemon runs, the journal is never behind it.
    const note = await new PublishedLog(directories.log).checkpoint();
    const published = note === null ? null : readSeal(note, 'the published checkpoint', keys);
    const segments = await findSegments(directories.journal);
    if (segments.length === 0) {
      if (published === null) return { end: 'none' };
      throw new Damage('journal', `it is missing, but ${published.size} entries are published`);
    }
    const tail = await readTail(directories.journal, segments, keys);
    const publishedSize = published?.size ?? 0;
    for (const { final } of keys?.retired ?? [])
      if (tail.entries < final.size)
        throw new Damage(
          'journal',
          `it ends at entry ${tail.entries}, but a retired key handed over ${final.size}`,
        );
    if (tail.entries < publishedSize)
      throw new Damage('journal', `it ends at entry ${tail.entries}, but ${publishedSize} are published`);
    return { end: 'sound', publishedSize, ...tail, sealedSize: Math.max(tail.sealedSize, publishedSize) };
  } catch (cause) {
    if (cause instanceof Damage) return { end: 'damaged', where: cause.where, what: cause.message };
    const { code } = cause as NodeJS.ErrnoException;
    if (typeof code !== 'string') throw cause;
    return { end: 'unreadable', code };
  }
}

/** None where there is no journal. */
async function findSegments(directory: string): Promise<string[]> {
  try {
    return await segmentNames(directory);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw cause;
  }
}

type Tail = Omit<Extract<LogEnd, { end: 'sound' }>, 'end' | 'publishedSize'>;

/** The newest segment; also the one before while that has no entry yet. */
async function readTail(directory: string, segments: readonly string[], keys: LogKeys | null): Promise<Tail> {
  let seal: { readonly note: string; readonly where: string } | null = null;
  let last: EntryFrame | null = null;
  let lastStart: EntryFrame | null = null;
  let entries = 0;
  let unfinishedBytes = 0;
  for (const count of [1, 2]) {
    const newest = segments.slice(-count);
    entries = firstIndexOf(newest[0] ?? '0');
    for (const segment of newest) {
      for await (const item of readSegment(directory, segment)) {
        if (item.item === 'rest') {
          if (segment !== newest.at(-1))
            throw new Damage(placeOf(item), 'bytes in the middle of the journal are no frame');
          unfinishedBytes = item.sizeBytes;
        } else if (item.frame.frame === 'checkpoint') {
          seal = { note: item.frame.note, where: placeOf(item) };
        } else {
          entries++;
          last = item.frame;
          if (equalBytes(item.frame.leaf.subarray(0, startLeaf.length), startLeaf)) lastStart = item.frame;
        }
      }
    }
    if (last !== null) break;
  }
  const sealedSize = seal === null ? 0 : readSeal(seal.note, seal.where, keys).size;
  if (sealedSize > entries)
    throw new Damage('journal', `it ends at entry ${entries}, but ${sealedSize} are sealed`);
  return {
    entries,
    sealedSize,
    unfinishedBytes,
    lastTimeMs: last === null ? null : timeOf(last, entries - 1),
    lastStartMs: lastStart === null ? null : timeOf(lastStart, null),
  };
}

/** The time of an entry whose payload is the one that its leaf digests. `index` names it; null for one among others. */
function timeOf({ leaf, payloadType, payload }: EntryFrame, index: number | null): number {
  const where = index === null ? 'the last start in the journal' : `journal entry ${index}`;
  try {
    const { kind } = decodeEntry(leaf);
    if (equalBytes(encodeEntry(entryOf(kind, payloadType, payload)), leaf))
      return parseInstant(payloadTime(decodePayload(payloadType, payload)));
  } catch (cause) {
    throw new Damage(where, `it cannot be read: ${(cause as Error).message}`);
  }
  throw new Damage(where, 'its payload is not the one that its leaf digests');
}

function readSeal(note: string, where: string, keys: LogKeys | null): Checkpoint {
  let checkpoint: Checkpoint;
  let signed: ReturnType<typeof parseNote>;
  try {
    signed = parseNote(note);
    checkpoint = parseCheckpoint(signed.text);
  } catch (cause) {
    throw new Damage(where, `it cannot be read: ${(cause as Error).message}`);
  }
  if (keys === null || isSignedBy(keys.current, signed, checkpoint)) return checkpoint;
  const signer = keys.retired.find(({ publicKey }) => isSignedBy(publicKey, signed, checkpoint));
  if (signer === undefined) throw new Damage(where, 'the pinned log key did not sign it');
  const { final } = signer;
  if (checkpoint.size > final.size)
    throw new Damage(where, 'a retired log key signed it, later than the tree head that it handed over with');
  if (checkpoint.size === final.size && !equalBytes(checkpoint.root, final.root))
    throw new Damage(where, 'it is not the tree head that a retired log key handed over with');
  return checkpoint;
}

function isSignedBy(logKey: Uint8Array, note: SignedNote, { origin }: Checkpoint): boolean {
  return signaturesOf(note, verifierKey(origin, logKey)).some(({ signature }) =>
    verifyingKey(logKey).verify(utf8Encode(note.text), signature),
  );
}

function placeOf({ segment, offset }: JournalItem): string {
  return `journal/${segment}, byte ${offset}`;
}
