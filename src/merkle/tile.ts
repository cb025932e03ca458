/** C2SP tlog-tiles: where each hash of a tree lies among tiles of 256, and how tiles are named. */

export const tileWidth = 256;
/** Tree levels that one tile spans. */
export const tileHeight = 8;

/** A tile of hashes, or a bundle of entries; `width` below 256 means a partial one. */
export interface Tile {
  readonly level: number | 'entries';
  readonly index: number;
  readonly width: number;
}

/** Path of a tile below the log's directory: `tile/<L>/<N>[.p/<W>]`, `<N>` in groups of three digits. */
export function tilePath({ level, index, width }: Tile): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? [];
  const last = groups.length - 1;
  const name = groups.map((group, position) => (position < last ? `x${group}` : group)).join('/');
  return `tile/${level}/${name}${width < tileWidth ? `.p/${width}` : ''}`;
}

/** How many hashes stand at a tile level in a tree of `size` entries. */
export function hashesAtLevel(size: number, level: number): number {
  return Math.floor(size / tileWidth ** level);
}

/** The tiles of every level, full and partial, that a tree of `size` entries has and one of `from` entries had not. */
export function tilesBetween(from: number, size: number): Tile[] {
  const tiles: Tile[] = [];
  for (let level = 0; hashesAtLevel(size, level) > 0; level++) {
    tiles.push(...tilesOfRow(level, hashesAtLevel(from, level), hashesAtLevel(size, level)));
  }
  return tiles;
}

/** The entry bundles that a log of `size` entries has and one of `from` entries had not. */
export function bundlesBetween(from: number, size: number): Tile[] {
  return tilesOfRow('entries', from, size);
}

function tilesOfRow(level: Tile['level'], from: number, count: number): Tile[] {
  const tiles: Tile[] = [];
  if (from === count) return tiles;
  for (let index = Math.floor(from / tileWidth); index * tileWidth < count; index++) {
    tiles.push({ level, index, width: Math.min(tileWidth, count - index * tileWidth) });
  }
  return tiles;
}
