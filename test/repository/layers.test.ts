// Holds the source tree to the layer rule, and the check itself to planted violations.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkLayers } from './layer-rule.js';
import { scanSource } from './source-scan.js';

const SOURCE_ROOT = fileURLToPath(new URL('../../../src/', import.meta.url));

/** Checks a tree of the given files in a temporary directory. */
function offencesOf(files: Readonly<Record<string, string>>): readonly string[] {
  const root = mkdtempSync(join(tmpdir(), 'writ-layers-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return checkLayers(root).offences;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

describe('the layer rule', () => {
  it('holds in src/', () => {
    const { moduleCount, offences } = checkLayers(SOURCE_ROOT);
    assert.deepEqual(offences, []);
    assert.ok(moduleCount > 20, `only ${moduleCount} modules were seen`);
  });

  it('refuses to judge a tree without modules', () => {
    assert.throws(
      () => offencesOf({ 'README.md': 'no code' }),
      /No module found below .*: nothing was checked\./,
    );
  });

  it('accepts what points down', () => {
    const files = {
      'hash/a.ts': 'export const a = 1;',
      'merkle/b.ts': "import { a } from '../hash/a.js';\nexport const b = a;",
      'format/c.ts': "export { a } from '../hash/a.js';",
      'log/d.ts': "import { readFileSync } from 'node:fs';\nimport { b } from '../format/c.js';",
      'daemon/config.ts': 'export const socket = 1;',
      'cli/e.ts': "import { socket } from '../daemon/config.js';\nawait import('../log/d.js');",
    };
    assert.deepEqual(offencesOf(files), []);
  });

  const log = { 'log/file.ts': 'export const file = 1;' };
  const planted: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
    [
      'an import that points up',
      { ...log, 'merkle/tree.ts': "import { file } from '../log/file.js';" },
      'merkle/tree.ts imports log/file.ts: upwards, from merkle to log.',
    ],
    [
      'an import of types alone',
      { ...log, 'merkle/tree.ts': "import type { File } from '../log/file.js';" },
      'merkle/tree.ts imports log/file.ts: upwards, from merkle to log.',
    ],
    [
      'an inline type import',
      { ...log, 'merkle/tree.ts': "type File = import('../log/file.js').File;" },
      'merkle/tree.ts imports log/file.ts: upwards, from merkle to log.',
    ],
    [
      'a re-export that points up',
      { ...log, 'verify/x.ts': "export * from '../log/file.js';" },
      'verify/x.ts imports log/file.ts: upwards, from verify to log.',
    ],
    [
      'a dynamic import of a neighbour',
      { ...log, 'hsm/x.ts': "const log = await import('../log/file.js');" },
      'hsm/x.ts imports log/file.ts: from hsm to its neighbour log.',
    ],
    [
      'a module of another layer that is started',
      { ...log, 'hsm/x.ts': "fork(new URL('../log/file.js', import.meta.url));" },
      'hsm/x.ts imports log/file.ts: from hsm to its neighbour log.',
    ],
    [
      'an import from hash to format, the wrong way within the lowest row',
      { 'format/x.ts': 'export {};', 'hash/y.ts': "import '../format/x.js';" },
      'hash/y.ts imports format/x.ts: from hash to its neighbour format.',
    ],
    [
      "a command that reaches into the daemon's inside",
      { 'daemon/server.ts': 'export {};', 'cli/x.ts': "import '../daemon/server.js';" },
      'cli/x.ts imports daemon/server.ts: the inside of the daemon.',
    ],
    [
      'a Node module in a pure layer',
      { 'format/x.ts': "import { join } from 'node:path';" },
      'format/x.ts imports node:path, but its layer is pure.',
    ],
    [
      'a Node module by its old name',
      { 'verify/x.ts': "import { join } from 'path';" },
      'verify/x.ts imports path, but its layer is pure.',
    ],
    [
      'Buffer in a pure layer',
      { 'hash/x.ts': 'export const x = Buffer.alloc(1);' },
      'hash/x.ts uses Buffer, but its layer is pure.',
    ],
    [
      'a module that is not there',
      { 'hash/x.ts': "import './y.js';" },
      'hash/x.ts imports ./y.js, and there is no such module in src/.',
    ],
    [
      'a computed import',
      { 'log/x.ts': 'await import(name);' },
      'log/x.ts imports a computed specifier, which no check can follow.',
    ],
    [
      'a folder that nobody gave a row',
      { 'utils/x.ts': 'export {};' },
      'utils/x.ts lies in a folder that has no row: give it one in the layer rule.',
    ],
    [
      'a cycle',
      { 'log/x.ts': "import './y.js';", 'log/y.ts': "import { x } from './x.js';" },
      'log/x.ts is part of a cycle: log/x.ts -> log/y.ts -> log/x.ts.',
    ],
  ];
  for (const [name, files, offence] of planted) {
    it(`finds ${name}`, () => assert.deepEqual(offencesOf(files), [offence]));
  }
});

describe('the source scanner', () => {
  const specifiers = (source: string): string[] =>
    scanSource(source).references.map(({ specifier }) => specifier);

  it('reads every form of import', () => {
    const source = `
      import a, { type b } from './1.js';
      import * as c from "./2.js";
      import type { d } from './3.js';
      import './4.js';
      export * as e from './5.js';
      export type { f } from './6.js';
      export {
        g,
      } from './7.js';
      const h = await import('./8.js');
      const i = require('./9.js');
    `;
    assert.deepEqual(
      specifiers(source),
      [1, 2, 3, 4, 5, 6, 7, 8, 9].map((number) => `./${number}.js`),
    );
  });

  it('takes no text for an import', () => {
    const source = `
      // import './comment.js';
      /* export * from './block.js'; */
      const a = "import './string.js'";
      const b = \`import './template.js' \${call(\`\${'{'}import './inner.js'\`)} import './rest.js'\`;
      const c = /import '.\\/pattern.js'/;
      export const from = './assigned.js';
      export type Named = 'a' | './union.js';
      export { a };
      const url = import.meta.url;
      const d = object.import('./method.js');
    `;
    assert.deepEqual(specifiers(source), []);
  });

  it('goes on after a template, a division and a regular expression with a quote', () => {
    const source = `const a = \`\${b}'\` + c / d; const e = /['"\`]/.test(f); import './found.js';`;
    assert.deepEqual(specifiers(source), ['./found.js']);
  });

  it('tells Buffer from what merely holds the word', () => {
    assert.equal(scanSource('new ArrayBuffer(1); a.Buffer; "Buffer"; // Buffer').usesBuffer, false);
    assert.equal(scanSource('const x = Buffer.from(y);').usesBuffer, true);
  });
});
