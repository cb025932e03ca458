/** Consistency proofs from the files of a published log, held to roots that the log's own tree has. */

import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { PublishedLog, PublishedLogError } from '../../src/log/published-log.js';
import { PublishedTree } from '../../src/log/published-tree.js';
import { TileTree } from '../../src/log/tile-tree.js';
import { ProofError, verifyConsistency } from '../../src/merkle/proof.js';
import { leafHash } from '../../src/merkle/tree.js';
import { grantSubmission, openLog, SoftwareSigner, temporaryDirectory } from './software-log.js';

/** Full and partial tiles at level 0, and a partial one at level 1. */
const entryCount = 600;

let home: Awaited<ReturnType<typeof temporaryDirectory>>;
let directory: string;
/** The log's own tree, from its leaves. */
let own: TileTree;

before(async () => {
  home = await temporaryDirectory();
  directory = join(home.path, 'log');
  const { log } = await openLog(home.path, new SoftwareSigner());
  await Promise.all(Array.from({ length: entryCount }, () => log.append(grantSubmission())));
  await log.close();
  const published = new PublishedLog(directory);
  own = new TileTree(published.fullTile);
  for (const [bundle, width] of [
    [0, 256],
    [1, 256],
    [2, 88],
  ] as const)
    for (const leaf of await published.leaves(bundle, width)) own.append(leafHash(leaf));
});
after(() => home.remove());

const headAt = (size: number) => ({ size, root: own.root(size) });

test('any tree proves that it lies under any later one', async () => {
  const tree = new PublishedTree(new PublishedLog(directory), entryCount);
  const sizes = [1, 2, 3, 7, 64, 255, 256, 257, 300, 511, 512, 513, 599, 600];
  for (const first of sizes)
    for (const second of sizes.filter((size) => size >= first))
      verifyConsistency(headAt(first), headAt(second), await tree.consistency(first, second));
});

test('nothing is proven beyond what is published', async () => {
  const tree = new PublishedTree(new PublishedLog(directory), entryCount);
  await assert.rejects(tree.consistency(300, 601), PublishedLogError);
  await assert.rejects(tree.consistency(300, 70_000), PublishedLogError);
});

test('a tile that was changed proves nothing, and one that is missing is named', async () => {
  const rows = join(directory, 'tile', '0');
  const names = await readdir(rows);
  assert.ok(names.includes('001'), names.join());
  const bytes = await readFile(join(rows, '001'));
  bytes[5] = (bytes[5] ?? 0) ^ 1;
  await writeFile(join(rows, '001'), bytes);
  const proof = await new PublishedTree(new PublishedLog(directory), entryCount).consistency(300, 600);
  assert.throws(() => verifyConsistency(headAt(300), headAt(600), proof), ProofError);
  await rm(join(rows, '001'));
  await assert.rejects(
    new PublishedTree(new PublishedLog(directory), entryCount).consistency(300, 600),
    (cause) => cause instanceof PublishedLogError && cause.file === 'tile/0/001',
  );
});
