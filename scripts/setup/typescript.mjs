// Compiles src/, test/ and bench/ into dist/, and removes from dist/ what no source stands behind.

import { existsSync, rmSync } from 'node:fs';
import { relative } from 'node:path';
import { inCheckout, ROOT } from './checkout.mjs';
import { runCommand, say } from './command.mjs';
import { SetupFailure } from './failure.mjs';
import { digestOfMetadata, filesBelow, stampMatches, writeStamp } from './stamp.mjs';

const FOLDERS = ['src', 'test', 'bench'];

/** The compiler's program file, for `node`. */
export const TSC = inCheckout('node_modules', 'typescript', 'bin', 'tsc');

/**
 * Brings dist/ in line with the sources; does nothing when it is.
 * @throws {SetupFailure} when the sources do not compile
 */
export function provideCompiledSources() {
  const sources = FOLDERS.flatMap((folder) => filesBelow(inCheckout(folder))).filter((path) =>
    path.endsWith('.ts'),
  );
  if (sources.length === 0) {
    throw new SetupFailure(`There are no TypeScript sources in ${ROOT}: clone the project afresh.`);
  }
  const outputs = sources.filter((path) => !path.endsWith('.d.ts')).map(outputOf);
  const key = digestOfMetadata([...sources, inCheckout('tsconfig.json'), inCheckout('package-lock.json')]);
  if (stampMatches('typescript', key) && outputs.every((path) => existsSync(path))) return;
  say('compiling TypeScript');
  removeStaleOutputs(new Set(outputs));
  runCommand(process.execPath, [TSC, '-p', inCheckout('tsconfig.json')], {
    name: 'tsc',
    advice: 'Correct the errors and start again.',
  });
  writeStamp('typescript', key);
}

const outputOf = (source) => inCheckout('dist', relative(ROOT, source).replace(/\.ts$/, '.js'));

/** A test file that was deleted must not go on running. */
function removeStaleOutputs(wanted) {
  for (const path of filesBelow(inCheckout('dist'))) {
    if (!wanted.has(path.replace(/\.map$/, ''))) rmSync(path);
  }
}
