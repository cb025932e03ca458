/**
 * Starting on an existing log: the same append code rebuilds tree and views from the journal, or from what is known of
 * its first part and the rest, then everything known to be sealed is compared with what is there. A torn last write is
 * cut; anything else that is missing means no start.
 */

import { type ArtifactId, artifactIdOf } from '../format/artifact-id.js';
import { equalBytes } from '../format/bytes.js';
import { type Checkpoint, parseCheckpoint } from '../format/checkpoint.js';
import { decodeEntry, type EntryKind, encodeEntry, entryOf } from '../format/entry.js';
import { parseNote, type SignedNote, signaturesOf, type VerifierKey } from '../format/note.js';
import { decodeRecord, type LogRecord, recordPayloadType } from '../format/record.js';
import { utf8Encode } from '../format/utf8.js';
import { tileWidth } from '../merkle/tile.js';
import { type Hash, leafHash } from '../merkle/tree.js';
import { verifyingKey } from '../verify/ed25519.js';
import { LogDamageError } from './damage.js';
import { Journal, type JournalStart, segmentSizeBytes } from './journal.js';
import type { EntryFrame, Frame } from './journal-frame.js';
import { spanEntries } from './journal-positions.js';
import type { JournalDamage } from './journal-scan.js';
import { LeafBundles } from './leaf-bundles.js';
import type { AbandonedGrant } from './seal.js';
import type { Seal } from './sealer.js';
import { TileDirectory } from './tile-directory.js';
import { TileTree } from './tile-tree.js';

/** An entry as replay shows it. Records were checked against their leaf; statements are when they are read. */
export interface ReplayedEntry {
  readonly index: number;
  readonly id: ArtifactId;
  readonly kind: EntryKind;
  readonly record: LogRecord | null;
}

export interface RecoveredLog {
  readonly journal: Journal;
  readonly tree: TileTree;
  readonly tiles: TileDirectory;
  readonly seal: Seal | null;
  /** Grants behind the last seal: nobody holds a proof of them, and nobody ever may. */
  readonly abandoned: readonly AbandonedGrant[];
  /** Leaves of the entries that are not in a full published bundle. */
  readonly leaves: LeafBundles;
  /** Bytes of a torn last write that were cut. */
  readonly cutBytes: number;
}

const grantKinds: ReadonlySet<EntryKind> = new Set(['authorization', 'signature', 'redemption', 'lease']);
const releaseEvery = spanEntries;

/**
 * What is known of the first part of the log, so that it need not be read again: whole spans of 65,536 entries. It may
 * come from files that nothing protects, so it counts only if the finished tree has the signed root and `isConfirmed`
 * agrees.
 */
export interface LogStart extends JournalStart {
  /** The roots of the spans' subtrees. */
  readonly roots: readonly Hash[];
  /** Asked once everything is read; `sealedSize` is what the newest seal covers. */
  readonly isConfirmed: (sealedSize: number) => boolean;
}

/** A log key that signs no more, and the largest tree head that it signed: the log must still lead there. */
export interface RetiredLogKey {
  readonly key: VerifierKey;
  readonly size: number;
  readonly root: Hash;
}

/** The keys whose seals count: the one that signs now, and those before it, each up to its final tree head. */
interface SealingKeys {
  readonly current: VerifierKey;
  readonly retired: readonly RetiredLogKey[];
}

const wholeLog: LogStart = { anchors: [], finished: [], roots: [], isConfirmed: () => true };

/**
 * Opens journal and tiles, and replays every entry behind `start`, oldest first, into `visit`. `start` is given the size
 * of the published log, which it must not exceed.
 * Throws LogDamageError when the log ends before a known seal, has another root than one, holds a changed record, or is
 * not what `start` says; then nothing was changed on disk.
 */
export async function recoverLog(
  directories: { readonly journal: string; readonly log: string },
  key: VerifierKey,
  visit: (entry: ReplayedEntry) => void,
  start: (publishedSize: number) => Promise<LogStart> = () => Promise.resolve(wholeLog),
  retired: readonly RetiredLogKey[] = [],
): Promise<RecoveredLog> {
  const keys: SealingKeys = { current: key, retired };
  const tiles = new TileDirectory(directories.log);
  const published = readSeal(await tiles.readCheckpoint(), keys, 'the published checkpoint');
  const known = await start(published?.size ?? 0);
  const tree = new TileTree((level, index) => tiles.readFullTile(level, index));
  tree.appendSpans(known.roots);
  const firstLeaf = Math.floor((published?.size ?? 0) / tileWidth) * tileWidth;
  const leaves = new LeafBundles(firstLeaf);
  let newest = published;
  let unsealed: AbandonedGrant[] = [];
  const follow = (frame: Frame, index: number): void => {
    if (frame.frame === 'checkpoint') {
      const seal = parseSeal(frame.note, 'a checkpoint in the journal');
      if (seal.size >= (newest?.size ?? 0)) newest = seal;
      if (unsealed.length > 0) unsealed = unsealed.filter(({ index: grant }) => grant >= seal.size);
      return;
    }
    const entry = replay(frame, index);
    tree.append(leafHash(frame.leaf));
    if (index >= firstLeaf) leaves.add(frame.leaf);
    if (index % releaseEvery === 0) tree.release(Math.min(published?.size ?? 0, tree.size));
    if (grantKinds.has(entry.kind)) unsealed.push({ id: entry.id, index, kind: entry.kind });
    visit(entry);
  };
  const { journal, damage } = await Journal.open(directories.journal, follow, segmentSizeBytes, known);
  try {
    // The newest seal covers all others, so that one signature speaks for every checkpoint in the journal.
    if (newest !== null && newest !== published) assertSigned(newest, keys, 'a checkpoint in the journal');
    assertWhole(tree, published, newest, damage, keys);
    if (!known.isConfirmed(newest?.size ?? 0))
      throw new LogDamageError('the log does not confirm what is said of its first part');
    if (damage !== null) await journal.cutTornTail();
  } catch (cause) {
    await journal.close();
    throw cause;
  }
  tiles.adopt(published?.size ?? 0);
  tree.release(published?.size ?? 0);
  const abandoned = unsealed.filter(({ index }) => index >= (newest?.size ?? 0));
  return { journal, tree, tiles, seal: newest, abandoned, leaves, cutBytes: damage?.sizeBytes ?? 0 };
}

function replay(frame: EntryFrame, index: number): ReplayedEntry {
  const { kind, digests } = decodeEntry(frame.leaf);
  const id = artifactIdOf(digests);
  if (frame.payloadType !== recordPayloadType) return { index, id, kind, record: null };
  const expected = encodeEntry(entryOf(kind, frame.payloadType, frame.payload));
  if (!equalBytes(expected, frame.leaf))
    throw new LogDamageError(`the payload of log entry ${index} (${kind}) was changed`);
  return { index, id, kind, record: decodeRecord(frame.payload) };
}

function assertWhole(
  tree: TileTree,
  published: Seal | null,
  newest: Seal | null,
  damage: JournalDamage | null,
  keys: SealingKeys,
): void {
  const behind = (damage?.checkpointsBehind ?? []).map((note) =>
    readSeal(note, keys, 'a checkpoint behind damage'),
  );
  for (const seal of [published, newest, ...behind, ...keys.retired]) {
    if (seal === null) continue;
    if (seal.size > tree.size) {
      throw new LogDamageError(
        `the journal ends at entry ${tree.size}, but a checkpoint over ${seal.size} entries was signed: entries are lost. ` +
          'Restore the state directory; starting on this one would fork the log',
      );
    }
    if (!equalBytes(tree.root(seal.size), seal.root)) {
      throw new LogDamageError(
        `the journal does not lead to the root that was signed over ${seal.size} entries`,
      );
    }
  }
}

/** A note of our own log key as a seal. Throws LogDamageError when it is none. */
function readSeal(note: string | null, keys: SealingKeys, where: string): Seal | null {
  if (note === null) return null;
  const seal = parseSeal(note, where);
  assertSigned(seal, keys, where);
  return seal;
}

/** What a note says, whoever signed it. Throws LogDamageError for what is no note of a checkpoint. */
function parseSeal(note: string, where: string): Seal {
  try {
    const { size, root }: Checkpoint = parseCheckpoint(parseNote(note).text);
    return { size, root, note };
  } catch (cause) {
    throw new LogDamageError(`${where} cannot be read`, { cause });
  }
}

/**
 * Throws LogDamageError unless the note is one of our own log, signed by its key or, up to its final tree head, by an
 * earlier one.
 */
function assertSigned({ note, size }: Seal, { current, retired }: SealingKeys, where: string): void {
  const parsed = parseNote(note);
  const { origin } = parseCheckpoint(parsed.text);
  const believed = [current, ...retired.filter((old) => size <= old.size).map(({ key }) => key)];
  const isOurs = origin === current.name && believed.some((key) => isSignedBy(parsed, key));
  if (!isOurs) throw new LogDamageError(`${where} is not signed by this log's key`);
}

function isSignedBy(note: SignedNote, key: VerifierKey): boolean {
  const [signature] = signaturesOf(note, key);
  if (signature === undefined) return false;
  return verifyingKey(key.publicKey).verify(utf8Encode(note.text), signature.signature);
}
