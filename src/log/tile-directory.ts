/**
 * The published log: a static C2SP tlog-tiles tree (`checkpoint`, `tile/...`). Tiles are durable before the checkpoint
 * that needs them takes its place, so the directory is valid at every moment, a crash included.
 */

import { readFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bundlesBetween, type Tile, tilePath, tilesBetween, tileWidth } from '../merkle/tile.js';
import { LogDamageError } from './damage.js';
import { makeDirectoryDurably, writeDurably } from './durable-file.js';
import type { TileTree } from './tile-tree.js';

const hashBytes = 32;

/** Gives back the leaf of an entry that is not yet in a full published bundle. */
export type LeafSource = (index: number) => Uint8Array;

export class TileDirectory {
  readonly #directory: string;
  #publishedSize = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Size of the tree that the published checkpoint covers, as far as this process knows. */
  get publishedSize(): number {
    return this.#publishedSize;
  }

  /** Takes over what an earlier run published; the caller has checked its checkpoint against the tree. */
  adopt(size: number): void {
    this.#publishedSize = size;
  }

  /** The signed note that lies in the directory, or null where nothing was published yet. */
  async readCheckpoint(): Promise<string | null> {
    try {
      return await readFile(join(this.#directory, 'checkpoint'), 'utf8');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw cause;
    }
  }

  /** Hashes of a full published tile. Throws LogDamageError when it cannot be read or has another size. */
  readFullTile(level: number, index: number): Uint8Array {
    const path = join(this.#directory, tilePath({ level, index, width: tileWidth }));
    let hashes: Uint8Array;
    try {
      hashes = readFileSync(path);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new LogDamageError(
        `the published tile ${path} cannot be read: ${reason}; restore it from a backup`,
        {
          cause,
        },
      );
    }
    if (hashes.length !== tileWidth * hashBytes)
      throw new LogDamageError(`the published tile ${path} is damaged; restore it from a backup`);
    return hashes;
  }

  /**
   * Publishes a tree of `size` entries under its signed checkpoint: every tile and bundle that changed since the last
   * publication, then the checkpoint. Durable on return. Throws what the file system throws; the old state stays valid.
   */
  async publish(size: number, note: string, tree: TileTree, leaf: LeafSource): Promise<void> {
    await makeDirectoryDurably(this.#directory);
    const before = this.#publishedSize;
    for (const tile of tilesBetween(before, size)) {
      if (tile.level !== 'entries')
        await this.#write(tile, tree.tileHashes(tile.level, tile.index, tile.width));
    }
    for (const bundle of bundlesBetween(before, size)) {
      await this.#write(bundle, encodeBundle(bundle, leaf));
    }
    await writeDurably(join(this.#directory, 'checkpoint'), note);
    this.#publishedSize = size;
    await this.#dropPartials(before, size);
  }

  async #write(tile: Tile, bytes: Uint8Array): Promise<void> {
    const path = join(this.#directory, tilePath(tile));
    await makeDirectoryDurably(dirname(path));
    await writeDurably(path, bytes);
  }

  /** Partial tiles whose full tile is published now may go (tlog-tiles, "Partial Tiles"). */
  async #dropPartials(before: number, size: number): Promise<void> {
    for (const tile of [...tilesBetween(before, size), ...bundlesBetween(before, size)]) {
      if (tile.width < tileWidth) continue;
      await rm(join(this.#directory, `${tilePath(tile)}.p`), { recursive: true, force: true });
    }
  }
}

/** Big-endian u16 length and bytes of each entry (tlog-tiles, "Log entries"). */
function encodeBundle({ index, width }: Tile, leaf: LeafSource): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let position = 0; position < width; position++) {
    const entry = leaf(index * tileWidth + position);
    parts.push(Uint8Array.of(entry.length >> 8, entry.length & 0xff), entry);
  }
  return Buffer.concat(parts);
}
