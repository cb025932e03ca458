/** Reads a published log directory (C2SP tlog-tiles) as any stranger would: from its files alone. */

import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Tile, tilePath, tileWidth } from '../merkle/tile.js';

/** A file of the published log is missing or not what its name says. `file` is its path below the log's directory. */
export class PublishedLogError extends Error {
  readonly file: string;
  constructor(file: string, what: string, options?: ErrorOptions) {
    super(what, options);
    this.name = 'PublishedLogError';
    this.file = file;
  }
}

const hashBytes = 32;

export class PublishedLog {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** The signed note, or null where nothing was published yet. Rejects with what the file system throws otherwise. */
  async checkpoint(): Promise<string | null> {
    try {
      return await readFile(join(this.directory, 'checkpoint'), 'utf8');
    } catch (cause) {
      if (isMissing(cause)) return null;
      throw cause;
    }
  }

  /** The leaves of a bundle, as many as its width says. Rejects with PublishedLogError. */
  async leaves(index: number, width: number): Promise<Uint8Array[]> {
    const tile: Tile = { level: 'entries', index, width };
    const leaves = splitBundle(await this.#read(tile));
    if (leaves === null || leaves.length < width)
      throw new PublishedLogError(tilePath(tile), 'it is cut short or not a bundle of entries');
    return leaves.slice(0, width);
  }

  /** The hashes of a tile, as many as its width says. Rejects with PublishedLogError. */
  async hashes(tile: Tile): Promise<Uint8Array> {
    const hashes = await this.#read(tile);
    if (hashes.length < tile.width * hashBytes)
      throw new PublishedLogError(tilePath(tile), 'it is cut short');
    return hashes.subarray(0, tile.width * hashBytes);
  }

  /** The hashes of a full tile, for a tree that reads its older tiles back. Throws PublishedLogError. */
  readonly fullTile = (level: number, index: number): Uint8Array => {
    const path = tilePath({ level, index, width: tileWidth });
    try {
      return readFileSync(join(this.directory, path));
    } catch (cause) {
      throw unreadable(path, cause);
    }
  };

  /** A partial tile gives way to the full one when the log grows past it, also while somebody reads. */
  async #read(tile: Tile): Promise<Uint8Array> {
    const path = tilePath(tile);
    try {
      return await readFile(join(this.directory, path));
    } catch (cause) {
      if (!isMissing(cause) || tile.width === tileWidth) throw unreadable(path, cause);
    }
    try {
      return await readFile(join(this.directory, tilePath({ ...tile, width: tileWidth })));
    } catch (cause) {
      throw unreadable(path, cause);
    }
  }
}

/** Big-endian u16 length and bytes of each entry (tlog-tiles, "Log entries"); null where the lengths do not fit. */
function splitBundle(bundle: Uint8Array): Uint8Array[] | null {
  const leaves: Uint8Array[] = [];
  for (let offset = 0; offset < bundle.length; ) {
    const length = (bundle[offset] ?? 0) * 256 + (bundle[offset + 1] ?? 0);
    const leaf = bundle.subarray(offset + 2, offset + 2 + length);
    if (leaf.length !== length) return null;
    leaves.push(leaf);
    offset += 2 + length;
  }
  return leaves;
}

function unreadable(path: string, cause: unknown): PublishedLogError {
  if (isMissing(cause)) return new PublishedLogError(path, 'it is missing', { cause });
  const what = cause instanceof Error ? cause.message : String(cause);
  return new PublishedLogError(path, `it cannot be read: ${what}`, { cause });
}

function isMissing(cause: unknown): boolean {
  return (cause as NodeJS.ErrnoException).code === 'ENOENT';
}
