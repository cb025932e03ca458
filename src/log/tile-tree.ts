/**
 * The log's Merkle tree, held as tiles of 256 hashes with their inner nodes. The right edge and whatever is not yet
 * published stays in memory; older tiles are read back from the published ones and kept in a bounded cache. What is read
 * back counts only if it leads to the hash that the tree has above it, so files can hide a part of the tree, never change
 * it.
 */

import { equalBytes } from '../format/bytes.js';
import { tileHeight, tilePath, tileWidth } from '../merkle/tile.js';
import { type Hash, nodeHash, type SubtreeSource, treeRoot } from '../merkle/tree.js';
import { LogDamageError } from './damage.js';

/** Reads the hashes of one full published tile, 8,192 bytes; the tree checks what they are. */
export type TileReader = (level: number, index: number) => Uint8Array;

const hashBytes = 32;
const rowBytes = tileWidth * hashBytes;
/** Hashes of a tile and the inner nodes above them, row by row from the bottom: 256 + 128 + ... + 2. */
const nodesBytes = (2 * tileWidth - 2) * hashBytes;
const cachedTiles = 256;
/** More levels than a tree whose size is an exact number can have. */
const maxLevels = 7;

/** One tile with its inner nodes; those over incomplete pairs are still zero. */
interface TileNodes {
  readonly nodes: Uint8Array<ArrayBuffer>;
  width: number;
}

/** One level of tiles: its last tile, which grows, and those before it that cannot be read back yet, by index. */
interface Level {
  edge: TileNodes;
  edgeIndex: number;
  readonly pinned: Map<number, TileNodes>;
}

export class TileTree {
  readonly #readTile: TileReader;
  readonly #levels: Level[] = [];
  /** Full tiles that were read back, the least recently used first, by `index * maxLevels + level`. */
  readonly #cache = new Map<number, TileNodes>();
  #size = 0;

  constructor(readTile: TileReader) {
    this.#readTile = readTile;
  }

  get size(): number {
    return this.#size;
  }

  /** Appends one leaf hash. */
  append(leaf: Hash): void {
    this.#push(0, leaf);
    this.#size++;
  }

  /**
   * Appends complete subtrees of 65,536 entries by their roots alone, to an empty tree. Their tiles are read back when
   * they are needed, and are checked against these roots. The caller compares the root of the finished tree with a signed
   * one.
   */
  appendSpans(roots: readonly Hash[]): void {
    if (this.#size > 0) throw new Error('only an empty tree is begun from the roots of spans');
    for (const root of roots) this.#push(2, root);
    this.#size = roots.length * tileWidth ** 2;
    this.#levelAt(0).edgeIndex = roots.length * tileWidth;
    this.#levelAt(1).edgeIndex = roots.length;
  }

  /**
   * Complete subtrees of this tree, for roots and proofs at any size up to its own. Throws LogDamageError for a published
   * tile that is not the one of this tree, and what the reader of tiles throws.
   */
  readonly subtree: SubtreeSource = (level, index) => {
    const inner = level % tileHeight;
    const perTile = 2 ** (tileHeight - inner);
    const tile = this.#tile((level - inner) / tileHeight, Math.floor(index / perTile));
    return nodeAt(tile.nodes, inner, index % perTile);
  };

  /** Root over the first `size` entries. */
  root(size: number): Hash {
    return treeRoot(size, this.subtree);
  }

  /** The hashes of a tile of the tree, as tlog-tiles publishes them, in memory of their own. */
  tileHashes(level: number, index: number, width: number): Uint8Array<ArrayBuffer> {
    return this.#tile(level, index).nodes.slice(0, width * hashBytes);
  }

  /** Lets go of full tiles of a published tree of `size` entries: from now on they can be read back. */
  release(size: number): void {
    for (const [level, { pinned }] of this.#levels.entries()) {
      const published = Math.floor(size / tileWidth ** (level + 1));
      for (const [index, tile] of pinned) {
        if (index >= published) break;
        pinned.delete(index);
        this.#remember(keyOf(level, index), tile);
      }
    }
  }

  #push(level: number, hash: Hash): void {
    const row = this.#levelAt(level);
    const top = addHash(row.edge, hash);
    if (top === null) return;
    row.pinned.set(row.edgeIndex++, row.edge);
    row.edge = emptyTile();
    this.#push(level + 1, top);
  }

  #levelAt(level: number): Level {
    while (this.#levels.length <= level)
      this.#levels.push({ edge: emptyTile(), edgeIndex: 0, pinned: new Map() });
    return this.#levels[level] as Level;
  }

  #tile(level: number, index: number): TileNodes {
    const row = this.#levels[level];
    if (row?.edgeIndex === index) return row.edge;
    const pinned = row?.pinned.get(index);
    if (pinned !== undefined) return pinned;
    const key = keyOf(level, index);
    const known = this.#cache.get(key) ?? this.#readBack(level, index);
    this.#remember(key, known);
    return known;
  }

  /** A full tile from its file. Those above it are read first, up to one that never left memory. */
  #readBack(level: number, index: number): TileNodes {
    if (index >= (this.#levels[level]?.edgeIndex ?? 0))
      throw new RangeError(`the tree has no tile ${index} at level ${level}`);
    const above = this.#tile(level + 1, Math.floor(index / tileWidth));
    const nodes = new Uint8Array(nodesBytes);
    nodes.set(this.#readTile(level, index).subarray(0, rowBytes));
    if (!equalBytes(completeInner(nodes), nodeAt(above.nodes, 0, index % tileWidth))) {
      const path = tilePath({ level, index, width: tileWidth });
      throw new LogDamageError(
        `the published file ${path} is not the one that was sealed; restore it from a backup`,
      );
    }
    return { nodes, width: tileWidth };
  }

  #remember(key: number, tile: TileNodes): void {
    this.#cache.delete(key);
    this.#cache.set(key, tile);
    if (this.#cache.size <= cachedTiles) return;
    for (const oldest of this.#cache.keys()) {
      this.#cache.delete(oldest);
      break;
    }
  }
}

function emptyTile(): TileNodes {
  return { nodes: new Uint8Array(nodesBytes), width: 0 };
}

function keyOf(level: number, index: number): number {
  return index * maxLevels + level;
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

/** Computes the inner nodes over the 256 hashes of a full tile, and returns the tile's own root. */
function completeInner(nodes: Uint8Array): Hash {
  for (let inner = 1; inner < tileHeight; inner++) {
    for (let position = 0; position < 2 ** (tileHeight - inner); position++)
      nodes.set(parentOf(nodes, inner - 1, position), nodeOffset(inner, position));
  }
  return parentOf(nodes, tileHeight - 1, 0);
}

/** Hash over the two nodes of row `inner` that are below this position of the next row. */
function parentOf(nodes: Uint8Array, inner: number, position: number): Hash {
  return nodeHash(nodeAt(nodes, inner, 2 * position), nodeAt(nodes, inner, 2 * position + 1));
}

function nodeAt(nodes: Uint8Array, inner: number, position: number): Hash {
  const offset = nodeOffset(inner, position);
  return nodes.subarray(offset, offset + hashBytes);
}

/** Rows lie one behind the other: row `inner` starts behind 256 + 128 + ... hashes. */
function nodeOffset(inner: number, position: number): number {
  return (2 * tileWidth - (1 << (tileHeight + 1 - inner)) + position) * hashBytes;
}
