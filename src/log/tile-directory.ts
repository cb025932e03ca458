/**
 * The published log: a static C2SP tlog-tiles tree (`checkpoint`, `tile/...`). Tiles are durable before the checkpoint
 * that needs them takes its place, so the directory is valid at every moment, a crash included.
 */

import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  bundlesBetween,
  hashesAtLevel,
  type Tile,
  tilePath,
  tilesBetween,
  tileWidth,
} from '../merkle/tile.js';
import { LogDamageError } from './damage.js';
import { makeDirectoryDurably } from './durable-file.js';
import type { LeafBundles } from './leaf-bundles.js';
import type { TileTree } from './tile-tree.js';
import { TileWriter } from './tile-writer.js';

const hashBytes = 32;
/** Tiles that are handed to the writer in one go: a few megabytes. */
const tilesAtOnce = 64;

export class TileDirectory {
  readonly #directory: string;
  readonly #writer = new TileWriter();
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
   * publication, then the checkpoint. Durable on return. Rejects with what the file system says; the old state stays
   * valid: no published checkpoint needs a file that is written here before the new one is in its place.
   */
  async publish(size: number, note: string, tree: TileTree, leaves: LeafBundles): Promise<void> {
    await makeDirectoryDurably(this.#directory);
    const before = this.#publishedSize;
    const tiles = [...tilesBetween(before, size), ...bundlesBetween(before, size)];
    for (let first = 0; first < tiles.length; first += tilesAtOnce) {
      const files = tiles.slice(first, first + tilesAtOnce).map((tile) => {
        const { level, index, width } = tile;
        const isBundle = level === 'entries';
        const bytes = isBundle ? leaves.encoded(index, width) : tree.tileHashes(level, index, width);
        return { path: this.#pathOf(tile), bytes };
      });
      await this.#writer.files(files);
    }
    const obsolete = tiles
      .filter((tile) => hadPartial(tile, before))
      .map((tile) => `${this.#pathOf(tile)}.p`);
    await this.#writer.checkpoint(join(this.#directory, 'checkpoint'), note, obsolete);
    this.#publishedSize = size;
  }

  /** Ends what writes there. Nothing may be under way. */
  close(): Promise<void> {
    return this.#writer.close();
  }

  #pathOf(tile: Tile): string {
    return join(this.#directory, tilePath(tile));
  }
}

/**
 * Whether a tile is full now and was partial in the tree of `before` entries: that partial may go (tlog-tiles, "Partial
 * Tiles"). Only the last tile of a level can have been partial.
 */
function hadPartial({ level, index, width }: Tile, before: number): boolean {
  const count = hashesAtLevel(before, level === 'entries' ? 0 : level);
  return width === tileWidth && count % tileWidth > 0 && index === Math.floor(count / tileWidth);
}
