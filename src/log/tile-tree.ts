/**
 * The log's Merkle tree, held as tiles of 256 hashes with their inner nodes. The right edge and whatever is not yet
 * published stays in memory; older tiles are read back from the published ones and kept in a bounded cache.
 */

import { tileHeight, tileWidth } from '../merkle/tile.js';
import { type Hash, nodeHash, type SubtreeSource, treeRoot } from '../merkle/tree.js';

/** Reads the hashes of one full published tile: 8,192 bytes. */
export type TileReader = (level: number, index: number) => Uint8Array;

const hashBytes = 32;
/** Hashes of a tile and the inner nodes above them, row by row from the bottom: 256 + 128 + ... + 2. */
const nodesBytes = (2 * tileWidth - 2) * hashBytes;
const cachedTiles = 256;

/** One tile with its inner nodes; those over incomplete pairs are still zero. */
interface TileNodes {
  readonly nodes: Uint8Array;
  width: number;
}

export class TileTree {
  readonly #readTile: TileReader;
  /** Tiles that cannot be read back yet: the unpublished and the partial ones, by `level/index`. */
  readonly #pinned = new Map<string, TileNodes>();
  readonly #cache = new Map<string, TileNodes>();
  #size = 0;

  constructor(readTile: TileReader) {
    this.#readTile = readTile;
  }

  get size(): number {
    return this.#size;
  }

  /** Appends one leaf hash. */
  append(leaf: Hash): void {
    this.#push(0, this.#size, leaf);
    this.#size++;
  }

  /** Complete subtrees of this tree, for roots and proofs at any size up to its own. */
  readonly subtree: SubtreeSource = (level, index) => {
    const inner = level % tileHeight;
    const perTile = 2 ** (tileHeight - inner);
    const tile = this.#tile(Math.floor(level / tileHeight), Math.floor(index / perTile));
    return nodeAt(tile.nodes, inner, index % perTile);
  };

  /** Root over the first `size` entries. */
  root(size: number): Hash {
    return treeRoot(size, this.subtree);
  }

  /** The hashes of a tile of the tree, as tlog-tiles publishes them. */
  tileHashes(level: number, index: number, width: number): Uint8Array {
    return this.#tile(level, index).nodes.slice(0, width * hashBytes);
  }

  /** Lets go of full tiles of a published tree of `size` entries: from now on they can be read back. */
  release(size: number): void {
    for (const key of this.#pinned.keys()) {
      const [level = 0, index = 0] = key.split('/').map(Number);
      if ((index + 1) * tileWidth ** (level + 1) > size) continue;
      this.#remember(key, this.#pinned.get(key));
      this.#pinned.delete(key);
    }
  }

  #push(level: number, position: number, hash: Hash): void {
    const index = Math.floor(position / tileWidth);
    const key = `${level}/${index}`;
    const tile = this.#pinned.get(key) ?? { nodes: new Uint8Array(nodesBytes), width: 0 };
    this.#pinned.set(key, tile);
    const top = addHash(tile, hash);
    if (top !== null) this.#push(level + 1, index, top);
  }

  #tile(level: number, index: number): TileNodes {
    const key = `${level}/${index}`;
    const known = this.#pinned.get(key) ?? this.#cache.get(key);
    if (known !== undefined) return known;
    const hashes = this.#readTile(level, index);
    const tile: TileNodes = { nodes: new Uint8Array(nodesBytes), width: 0 };
    for (let offset = 0; offset < hashes.length; offset += hashBytes) {
      addHash(tile, hashes.subarray(offset, offset + hashBytes));
    }
    this.#remember(key, tile);
    return tile;
  }

  #remember(key: string, tile: TileNodes | undefined): void {
    if (tile === undefined) return;
    this.#cache.set(key, tile);
    const [oldest] = this.#cache.keys();
    if (this.#cache.size > cachedTiles && oldest !== undefined) this.#cache.delete(oldest);
  }
}

/** Adds the next hash and every inner node that it completes; returns the tile's own root once it is full. */
function addHash(tile: TileNodes, hash: Hash): Hash | null {
  let position = tile.width++;
  let node = hash;
  tile.nodes.set(node, nodeOffset(0, position));
  for (let inner = 1; position % 2 === 1; inner++) {
    node = nodeHash(nodeAt(tile.nodes, inner - 1, position - 1), node);
    position = (position - 1) / 2;
    if (inner === tileHeight) return node;
    tile.nodes.set(node, nodeOffset(inner, position));
  }
  return null;
}

function nodeAt(nodes: Uint8Array, inner: number, position: number): Hash {
  const offset = nodeOffset(inner, position);
  return nodes.subarray(offset, offset + hashBytes);
}

/** Rows lie one behind the other: row `inner` starts behind 256 + 128 + ... hashes. */
function nodeOffset(inner: number, position: number): number {
  return (2 * tileWidth - 2 ** (tileHeight + 1 - inner) + position) * hashBytes;
}
