/**
 * The tree of a published log from its hash tiles alone (C2SP tlog-tiles): good for making proofs, which whoever checks them
 * holds to a root of their own. Nothing in the files is believed.
 */

import { consistencyProof } from '../merkle/proof.js';
import { hashesAtLevel, tileHeight, tileWidth } from '../merkle/tile.js';
import { type Hash, nodeHash } from '../merkle/tree.js';
import { type PublishedLog, PublishedLogError } from './published-log.js';

const hashBytes = 32;
const unknown: Hash = new Uint8Array(hashBytes);

export class PublishedTree {
  readonly #log: PublishedLog;
  readonly #size: number;
  readonly #tiles = new Map<string, Promise<Uint8Array>>();

  /** `size`: how many entries the published checkpoint covers. */
  constructor(log: PublishedLog, size: number) {
    this.#log = log;
    this.#size = size;
  }

  /**
   * A consistency proof from one size to a later one (RFC 6962, section 2.1.2). Rejects with PublishedLogError for tiles that
   * are missing or beyond the published size.
   */
  async consistency(first: number, second: number): Promise<Hash[]> {
    // Once to learn which subtrees it takes, and once with them.
    const wanted: [level: number, index: number][] = [];
    consistencyProof(first, second, (level, index) => {
      wanted.push([level, index]);
      return unknown;
    });
    const hashes = new Map<string, Hash>();
    for (const [level, index] of wanted) hashes.set(`${level}/${index}`, await this.#subtree(level, index));
    return consistencyProof(first, second, (level, index) => hashes.get(`${level}/${index}`) ?? unknown);
  }

  async #subtree(level: number, index: number): Promise<Hash> {
    const inner = level % tileHeight;
    const row = (level - inner) / tileHeight;
    const first = index * 2 ** inner;
    const tile = Math.floor(first / tileWidth);
    const start = (first % tileWidth) * hashBytes;
    let hashes = (await this.#tile(row, tile)).subarray(start, start + 2 ** inner * hashBytes);
    if (hashes.length < 2 ** inner * hashBytes)
      throw new PublishedLogError('checkpoint', `it covers ${this.#size} entries, fewer than are asked for`);
    while (hashes.length > hashBytes) hashes = parentsOf(hashes);
    return hashes;
  }

  #tile(level: number, index: number): Promise<Uint8Array> {
    const key = `${level}/${index}`;
    const width = Math.min(tileWidth, hashesAtLevel(this.#size, level) - index * tileWidth);
    if (width <= 0) return Promise.resolve(new Uint8Array());
    const known = this.#tiles.get(key) ?? this.#log.hashes({ level, index, width });
    this.#tiles.set(key, known);
    return known;
  }
}

/** The row above a row of hashes. */
function parentsOf(hashes: Uint8Array): Uint8Array {
  const parents = new Uint8Array(hashes.length / 2);
  for (let offset = 0; offset < parents.length; offset += hashBytes) {
    const left = hashes.subarray(2 * offset, 2 * offset + hashBytes);
    const right = hashes.subarray(2 * offset + hashBytes, 2 * offset + 2 * hashBytes);
    parents.set(nodeHash(left, right), offset);
  }
  return parents;
}
