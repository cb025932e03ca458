// No file of the project may name the directory that it happens to lie in: what works only there would
// reach everybody else.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url)).replace(/\/$/, '');
const NOT_OURS = /^(?:\.git|\.writ|node_modules|dist|build|results|out-.*)$/;

function projectFiles(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.test(entry.name) || entry.name.endsWith('.log')) return [];
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return projectFiles(path);
    return entry.isFile() ? [path] : [];
  });
}

it('no project file names the directory of this checkout', () => {
  const files = projectFiles(ROOT);
  assert.ok(files.length > 50, `only ${files.length} files were seen`);
  const escaped = ROOT.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const ownPath = new RegExp(`(?<![\\w./-])${escaped}(?![\\w-])`);
  const naming = files
    .filter((path) => ownPath.test(readFileSync(path, 'utf8')))
    .map((path) => relative(ROOT, path));
  assert.deepEqual(naming, []);
});
