/**
 * Checks a whole log offline, from its files and a pinned trust bundle: every leaf, every hash tile, the root and the
 * signature of the published checkpoint; and where the journal can be read, that its payloads are those of the leaves
 * and that every seal in it is over this same tree, and that what TPMs said in it follows one from the other (check-tpm.ts).
 * Changes nothing.
 */

import { equalBytes } from '../format/bytes.js';
import { type Checkpoint, parseCheckpoint } from '../format/checkpoint.js';
import { decodeEntry, encodeEntry, entryOf } from '../format/entry.js';
import { parseNote } from '../format/note.js';
import type { Trust } from '../format/trust.js';
import { bundlesBetween, type Tile, tilePath, tilesBetween, tileWidth } from '../merkle/tile.js';
import { leafHash } from '../merkle/tree.js';
import { verifyCheckpoint } from '../verify/checkpoint.js';
import { TpmTrail, type TpmTrailCounts } from './check-tpm.js';
import { LogDamageError } from './damage.js';
import type { EntryFrame } from './journal-frame.js';
import { type JournalItem, readJournal } from './journal-reader.js';
import { PublishedLog, PublishedLogError } from './published-log.js';
import { TileTree } from './tile-tree.js';

/** `damaged` names the first thing that is wrong: which file or entry, and what about it. */
export type LogCheck =
  | {
      readonly outcome: 'whole';
      readonly checkpoint: Checkpoint;
      readonly bundles: number;
      readonly hashTiles: number;
      readonly journal: JournalCheck;
    }
  | { readonly outcome: 'damaged'; readonly where: string; readonly what: string };

/** `entries` and `seals` that the journal holds; `unfinishedBytes` of a write that was torn or is under way. */
export type JournalCheck =
  | {
      readonly read: 'yes';
      readonly entries: number;
      readonly seals: number;
      readonly unfinishedBytes: number;
      readonly tpm: TpmTrailCounts;
    }
  | { readonly read: 'no'; readonly reason: string };

export interface LogDirectories {
  readonly log: string;
  /** Null where there is none, as in a copy of the published log. */
  readonly journal: string | null;
}

/** Thrown inside this file only. */
class Damage extends Error {
  readonly where: string;
  constructor(where: string, what: string) {
    super(what);
    this.where = where;
  }
}

/** Checks a log. Rejects only for directories that cannot be read at all, with what the file system throws. */
export async function checkLog(directories: LogDirectories, trust: Trust): Promise<LogCheck> {
  const published = new PublishedLog(directories.log);
  try {
    const checkpoint = await checkCheckpoint(published, trust);
    const tree = new TileTree(published.fullTile);
    const bundles = await rebuild(published, tree, checkpoint.size);
    const tiles = tilesBetween(0, checkpoint.size);
    for (const tile of tiles.filter(({ width }) => width < tileWidth))
      await compareTile(published, tree, tile);
    if (!equalBytes(tree.root(checkpoint.size), checkpoint.root))
      throw new Damage('checkpoint', 'its root is not that of the published entries');
    const journal = await checkJournal(directories.journal, tree, checkpoint.size, trust);
    return { outcome: 'whole', checkpoint, bundles, hashTiles: tiles.length, journal };
  } catch (cause) {
    if (cause instanceof Damage) return { outcome: 'damaged', where: cause.where, what: cause.message };
    if (cause instanceof PublishedLogError)
      return { outcome: 'damaged', where: cause.file, what: cause.message };
    // A tile that was changed after it had been compared.
    if (cause instanceof LogDamageError) return { outcome: 'damaged', where: 'tile', what: cause.message };
    throw cause;
  }
}

async function checkCheckpoint(published: PublishedLog, trust: Trust): Promise<Checkpoint> {
  const note = await published.checkpoint();
  if (note === null) throw new Damage('checkpoint', `there is none in ${published.directory}`);
  const verdict = verifyCheckpoint(note, trust);
  if (verdict.verdict === 'denied') throw new Damage('checkpoint', verdict.denial.message);
  return verdict.checkpoint;
}

/** Grows the tree from the published leaves alone, comparing each full tile as it completes. Returns how many bundles there are. */
async function rebuild(published: PublishedLog, tree: TileTree, size: number): Promise<number> {
  const bundles = bundlesBetween(0, size);
  for (const bundle of bundles) {
    const before = tree.size;
    for (const leaf of await published.leaves(bundle.index, bundle.width)) {
      readLeaf(leaf, `${tilePath(bundle)}, entry ${tree.size}`);
      tree.append(leafHash(leaf));
    }
    const complete = tilesBetween(before, tree.size).filter(({ width }) => width === tileWidth);
    for (const tile of complete) await compareTile(published, tree, tile);
    // What was just compared may be read back from disk when it is needed again.
    tree.release(tree.size);
  }
  return bundles.length;
}

async function compareTile(published: PublishedLog, tree: TileTree, tile: Tile): Promise<void> {
  if (tile.level === 'entries') return;
  const expected = tree.tileHashes(tile.level, tile.index, tile.width);
  if (!equalBytes(await published.hashes(tile), expected))
    throw new Damage(tilePath(tile), 'its hashes are not those of the published entries');
}

async function checkJournal(
  directory: string | null,
  tree: TileTree,
  publishedSize: number,
  trust: Trust,
): Promise<JournalCheck> {
  if (directory === null) return { read: 'no', reason: 'there is no journal beside this copy of the log' };
  let entries = 0;
  let seals = 0;
  const trail = new TpmTrail(trust, (size) => tree.root(size));
  let rest: Extract<JournalItem, { item: 'rest' }> | null = null;
  try {
    for await (const item of readJournal(directory)) {
      if (rest !== null) throw new Damage(placeOf(rest), 'bytes in the middle of the journal are no frame');
      if (item.item === 'rest') rest = item;
      else if (item.frame.frame === 'checkpoint')
        checkSeal(item.frame.note, placeOf(item), tree, entries, seals++);
      else checkEntry(item.frame, entries++, tree, trail);
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new Damage('journal', `${directory} is missing, and the state is in it`);
    if (code !== 'EACCES' && code !== 'EPERM') throw cause;
    return { read: 'no', reason: 'this user may not read it' };
  }
  if (entries < publishedSize)
    throw new Damage('journal', `it ends at entry ${entries}, but ${publishedSize} are published`);
  return { read: 'yes', entries, seals, unfinishedBytes: rest?.sizeBytes ?? 0, tpm: trail.counts };
}

/** A payload must digest to its leaf, and the leaf be the published one; entries behind the published ones grow the tree. */
function checkEntry(
  { leaf, payloadType, payload }: EntryFrame,
  index: number,
  tree: TileTree,
  trail: TpmTrail,
): void {
  const where = `journal entry ${index}`;
  const { kind } = readLeaf(leaf, where);
  if (!equalBytes(encodeEntry(entryOf(kind, payloadType, payload)), leaf))
    throw new Damage(where, 'its payload is not the one that its leaf digests');
  if (index === tree.size) tree.append(leafHash(leaf));
  else if (!equalBytes(tree.subtree(0, index), leafHash(leaf)))
    throw new Damage(where, 'its leaf is not the published one');
  const fault = trail.follow(kind, payload, index);
  if (fault !== null) throw new Damage(where, fault);
}

/** Whatever was ever sealed must be a head of this very tree. */
function checkSeal(note: string, where: string, tree: TileTree, entries: number, position: number): void {
  let seal: Checkpoint;
  try {
    seal = parseCheckpoint(parseNote(note).text);
  } catch (cause) {
    throw new Damage(where, `seal ${position} cannot be read: ${(cause as Error).message}`);
  }
  if (seal.size > entries) {
    throw new Damage(
      where,
      `seal ${position} covers ${seal.size} entries, but only ${entries} lie before it`,
    );
  }
  if (!equalBytes(tree.root(seal.size), seal.root))
    throw new Damage(where, `seal ${position} over ${seal.size} entries is of another tree: the log forked`);
}

function readLeaf(leaf: Uint8Array, where: string): ReturnType<typeof decodeEntry> {
  try {
    return decodeEntry(leaf);
  } catch (cause) {
    throw new Damage(where, `it is no log entry: ${(cause as Error).message}`);
  }
}

function placeOf({ segment, offset }: JournalItem): string {
  return `journal/${segment}, byte ${offset}`;
}
