// Bundles that are kept by their digests: what comes back, and what a changed file leads to.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadBundle } from '../../src/policy/bundle.js';
import { PolicyBundleError } from '../../src/policy/bundle-error.js';
import { BundleStore } from '../../src/policy/bundle-store.js';
import { starterDirectory } from './facts.js';

describe('kept bundles', () => {
  let home: string;
  const directory = () => join(home, 'policies');

  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'writ-kept-'));
  });
  after(() => rm(home, { recursive: true }));

  it('come back as they were, each once, in a file whose SHA3-512 is its name', async () => {
    const { files, digest } = await loadBundle(starterDirectory);
    const store = new BundleStore(directory());
    assert.equal(await store.find(digest), null);
    assert.equal(await store.keep(files), digest);
    assert.equal(await store.keep(files), digest);
    assert.deepEqual(await store.find(digest), files);
    assert.deepEqual(await readdir(directory()), [`${digest}.json`]);
    const bytes = await readFile(join(directory(), `${digest}.json`));
    assert.equal(createHash('sha3-512').update(bytes).digest('hex'), digest);
  });

  it('are refused where the file was changed, and mended when it is kept again', async () => {
    const { files, digest } = await loadBundle(starterDirectory);
    const store = new BundleStore(directory());
    await store.keep(files);
    const path = join(directory(), `${digest}.json`);
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('starter', 'stapler'));
    await assert.rejects(store.find(digest), (cause: unknown) => {
      assert.ok(cause instanceof PolicyBundleError);
      assert.match(cause.problem, /does not hold the bundle that its name says/);
      return true;
    });
    await store.keep(files);
    assert.deepEqual(await store.find(digest), files);
  });
});
