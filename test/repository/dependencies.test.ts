// What the project promises about its dependencies: each runs on the oldest supported Node, each direct
// one is explained, and the lock file is complete, free of addresses, and approves scripts by name.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { admits } from './version-range.js';

const OLDEST_NODE = '20.19.0';

const names = z.record(z.string(), z.string()).default({});
const manifestSchema = z.object({
  engines: z.object({ node: z.string() }),
  dependencies: names,
  devDependencies: names,
  allowScripts: z.record(z.string(), z.boolean()),
});
const lockedSchema = z.object({
  // Some old packages write a list of strings here.
  engines: z.union([z.object({ node: z.string().optional() }), z.array(z.string())]).optional(),
  hasInstallScript: z.boolean().default(false),
  version: z.string().optional(),
  integrity: z.string().optional(),
  dependencies: names,
  optionalDependencies: names,
});
const lockSchema = z.object({ packages: z.record(z.string(), lockedSchema) });

const inCheckout = (path: string): URL => new URL(`../../../${path}`, import.meta.url);
const read = (path: string): string => readFileSync(inCheckout(path), 'utf8');
const exists = (path: string): boolean => existsSync(inCheckout(path));
const manifest = manifestSchema.parse(JSON.parse(read('package.json')));
const lockText = read('package-lock.json');
const packages = Object.entries(lockSchema.parse(JSON.parse(lockText)).packages).filter(
  ([path]) => path !== '',
);
const paths = new Set(packages.map(([path]) => path));

const nameOf = (path: string): string =>
  path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

/** Where Node would find a dependency of the package at a path: the nearest node_modules going up. */
function isLocked(from: string, dependency: string): boolean {
  const candidates = [`${from}/node_modules/${dependency}`];
  for (
    let at = from.lastIndexOf('node_modules/');
    at !== -1;
    at = from.lastIndexOf('node_modules/', at - 1)
  ) {
    candidates.push(`${from.slice(0, at)}node_modules/${dependency}`);
    if (at === 0) break;
  }
  return candidates.some((candidate) => paths.has(candidate));
}

describe('dependencies', () => {
  it(`all run on Node ${OLDEST_NODE}`, () => {
    assert.ok(packages.length > 0, 'the lock file names no package');
    assert.ok(
      admits(manifest.engines.node, OLDEST_NODE),
      `the project itself wants ${manifest.engines.node}`,
    );
    for (const [path, { engines }] of packages) {
      assert.ok(!Array.isArray(engines), `${path} states its engines as a list: judge it by hand`);
      const range = engines?.node ?? '*';
      assert.ok(admits(range, OLDEST_NODE), `${path} wants Node ${range}`);
    }
  });

  it('are each explained in docs/dependencies.md', () => {
    const lines = read('docs/dependencies.md').split('\n');
    const direct = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.devDependencies)];
    const unexplained = direct.filter((name) => !lines.some((line) => line.includes(`\`${name}\``)));
    assert.deepEqual(unexplained, [], 'each needs a line that names it in backticks');
  });

  it('that bring an install script are approved by name, and nothing else is', () => {
    // npm compiles a package with a binding.gyp even where the lock file says nothing of a script.
    const withScript = packages
      .filter(([path, { hasInstallScript }]) => hasInstallScript || exists(`${path}/binding.gyp`))
      .map(([path]) => nameOf(path));
    const approved = Object.keys(manifest.allowScripts).filter(
      (name) => manifest.allowScripts[name] === true,
    );
    assert.deepEqual([...new Set(withScript)].sort(), approved.sort());
  });

  it('are pinned to a version and a digest, without a download address', () => {
    for (const [path, { version, integrity }] of packages) {
      assert.ok(version !== undefined, `${path} has no version`);
      assert.match(integrity ?? '', /^sha512-/, `${path} has no SHA-512 digest`);
    }
    assert.doesNotMatch(lockText, /"resolved"/);
  });

  it('are locked with everything they depend on, for every platform', () => {
    const unlocked = packages.flatMap(([path, { dependencies, optionalDependencies }]) =>
      [...Object.keys(dependencies), ...Object.keys(optionalDependencies)]
        .filter((dependency) => !isLocked(path, dependency))
        .map((dependency) => `${path} -> ${dependency}`),
    );
    assert.deepEqual(unlocked, []);
  });
});
