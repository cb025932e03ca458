import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type ModuleReference, scanSource } from '../repository/source-scan.js';

const main = new URL('../../src/cli/main.js', import.meta.url);

/** Packages that compiled modules reach from a start, along the references that `follow` accepts. */
function packagesFrom(start: URL, follow: (reference: ModuleReference) => boolean): Set<string> {
  const packages = new Set<string>();
  const seen = new Set<string>();
  const visit = (module: URL): void => {
    if (seen.has(module.href)) return;
    seen.add(module.href);
    for (const reference of scanSource(readFileSync(module, 'utf8')).references) {
      if (!follow(reference)) continue;
      if (reference.specifier.startsWith('.')) visit(new URL(reference.specifier, module));
      else packages.add(reference.specifier);
    }
  };
  visit(start);
  assert.ok(seen.size > 1, 'nothing was followed, so nothing was checked');
  return packages;
}

const heavy = ['graphene-pk11', 'pkcs11js', 'better-sqlite3', '@cedar-policy/cedar-wasm', 'pino'];
const reached = (packages: Set<string>): string[] =>
  heavy.filter((name) => [...packages].some((loaded) => loaded.startsWith(name)));

test('no command ever loads a token module, the database or, but for those that decide again, the policy engine', () => {
  const started = ({ kind }: ModuleReference) => kind === 'started';
  const policyTool = ({ kind, specifier }: ModuleReference) =>
    specifier.startsWith('./commands/policy-') ||
    (kind !== 'static' &&
      ['../policy-bundle.js', '../policy-place.js', '../evidence/show.js'].includes(specifier));
  assert.deepEqual(
    reached(packagesFrom(main, (reference) => !started(reference) && !policyTool(reference))),
    [],
  );
  assert.deepEqual(reached(packagesFrom(main, (reference) => !started(reference))), [
    '@cedar-policy/cedar-wasm',
  ]);
});

test('the way to a help page loads nothing but the parser of command lines', () => {
  const loaded = packagesFrom(main, ({ kind }) => kind === 'static');
  assert.deepEqual(
    [...loaded].filter((name) => !name.startsWith('node:')),
    ['commander'],
  );
});
