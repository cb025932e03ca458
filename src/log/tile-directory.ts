/**
 * The published log: a static C2SP tlog-tiles tree (`checkpoint`, `tile/...`). Tiles are durable before the checkpoint
 * that needs them takes its place, so the directory is valid at every moment, a crash included.
 */

import { readFileSync } from 'node:fs';
import { type FileHandle, open, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  bundlesBetween,
  hashesAtLevel,
  type Tile,
  tilePath,
  tilesBetween,
  tileWidth,
} from '../merkle/tile.js';
import { LogDamageError } from './damage.js';
import { makeDirectoryDurably, syncDirectory, writeDurably } from './durable-file.js';
import type { LeafBundles } from './leaf-bundles.js';
import type { TileTree } from './tile-tree.js';

const hashBytes = 32;

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
  async publish(size: number, note: string, tree: TileTree, leaves: LeafBundles): Promise<void> {
    await makeDirectoryDurably(this.#directory);
    const before = this.#publishedSize;
    const tiles = [...tilesBetween(before, size), ...bundlesBetween(before, size)];
    const directories = new Set<string>();
    for (const tile of tiles) {
      const { level, index, width } = tile;
      const bytes = level === 'entries' ? leaves.encoded(index, width) : tree.tileHashes(level, index, width);
      directories.add(await this.#write(tile, bytes));
    }
    for (const directory of directories) await syncDirectory(directory);
    await writeDurably(join(this.#directory, 'checkpoint'), note);
    this.#publishedSize = size;
    await this.#dropPartials(before, tiles);
  }

  /**
   * Writes a tile in its place, and returns the directory whose new name is not yet durable. No published checkpoint
   * needs the file yet, so a torn one is nobody's loss: it is written again before a checkpoint is published that does.
   */
  async #write(tile: Tile, bytes: Uint8Array): Promise<string> {
    const path = join(this.#directory, tilePath(tile));
    const directory = dirname(path);
    const file = await this.#create(path, directory);
    try {
      await file.writeFile(bytes);
      await file.datasync();
    } finally {
      await file.close();
    }
    return directory;
  }

  async #create(path: string, directory: string): Promise<FileHandle> {
    try {
      return await open(path, 'w', 0o644);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
      await makeDirectoryDurably(directory);
      return open(path, 'w', 0o644);
    }
  }

  /** Partial tiles whose full tile is published now may go (tlog-tiles, "Partial Tiles"). */
  async #dropPartials(before: number, tiles: readonly Tile[]): Promise<void> {
    for (const tile of tiles) {
      // Only the last tile of the earlier tree can have been partial; whatever came later began as what it is.
      const level = tile.level === 'entries' ? 0 : tile.level;
      const hadPartial = tile.index === Math.floor(hashesAtLevel(before, level) / tileWidth);
      if (tile.width < tileWidth || !hadPartial) continue;
      await rm(join(this.#directory, `${tilePath(tile)}.p`), { recursive: true, force: true });
    }
  }
}
