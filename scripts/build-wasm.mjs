// Compiles the evidence-digest core (wasm/) and writes it as a TypeScript module that Node and browsers
// load alike. The result must be, bit for bit, the one whose digest is committed in wasm/core.sha256:
// whoever changes the core says so with `node scripts/build-wasm.mjs --update`.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inCheckout } from './setup/checkout.mjs';
import { say } from './setup/command.mjs';
import { runMain, SetupFailure } from './setup/failure.mjs';
import { digestOfContents, filesBelow, stampMatches, writeStamp } from './setup/stamp.mjs';
import { blake2bSource } from './unroll/blake2b.mjs';
import { keccakSource } from './unroll/keccak.mjs';

const SOURCES = inCheckout('wasm');
const UNROLLED = inCheckout('wasm', 'unrolled');
const COMMITTED_DIGEST = inCheckout('wasm', 'core.sha256');
const OUTPUT = inCheckout('src', 'hash', 'core-module.ts');

const COMPILER_OPTIONS = [
  '--runtime=stub', // No garbage collector: the core never allocates.
  '--enable=simd',
  '--optimizeLevel=3',
  '--shrinkLevel=0',
  '--converge',
  '--noAssert',
  '--memoryBase=4096', // Where wasm/layout.ts leaves room for constants.
  '--initialMemory=11',
  '--maximumMemory=11',
];

/**
 * Brings src/hash/core-module.ts in line with wasm/; does nothing when it is.
 * @param {{ update: boolean }} purpose `update`: accept the compiled core and write its digest down
 * @throws {SetupFailure} when the sources do not compile, or not to the committed digest
 */
export async function buildWasm({ update }) {
  if (!update && existsSync(OUTPUT) && stampMatches('wasm', stampKey())) return;
  say('compiling the hash core (wasm/)');
  mkdirSync(UNROLLED, { recursive: true });
  writeFileSync(inCheckout('wasm', 'unrolled', 'keccak.ts'), keccakSource());
  writeFileSync(inCheckout('wasm', 'unrolled', 'blake2b.ts'), blake2bSource());
  const core = await compile();
  const digest = createHash('sha256').update(core).digest('hex');
  if (update) writeFileSync(COMMITTED_DIGEST, `${digest}\n`);
  else requireCommittedDigest(digest);
  // A rename, so that whoever reads it meanwhile finds the whole of the old file or of the new one.
  writeFileSync(`${OUTPUT}.new`, moduleText(core));
  renameSync(`${OUTPUT}.new`, OUTPUT);
  writeStamp('wasm', stampKey());
}

/** Everything that the output depends on, and the output itself. */
function stampKey() {
  return digestOfContents([
    ...filesBelow(SOURCES, (name) => name !== 'unrolled'),
    ...filesBelow(inCheckout('scripts', 'unroll')),
    inCheckout('scripts', 'build-wasm.mjs'),
    inCheckout('node_modules', 'assemblyscript', 'package.json'),
    OUTPUT,
  ]);
}

/** @returns {Promise<Uint8Array>} the WASM module */
async function compile() {
  // Imported late: loading the compiler takes longer than everything else when there is nothing to do.
  const { default: compiler } = await import('assemblyscript/asc');
  let core;
  const { error, stdout, stderr } = await compiler.main(
    ['core.ts', '--baseDir', SOURCES, '--outFile', 'core.wasm', ...COMPILER_OPTIONS],
    {
      writeFile: (_name, contents) => {
        core = contents;
      },
    },
  );
  if (error || core === undefined) {
    process.stderr.write(`${stdout}${stderr}`);
    throw new SetupFailure(
      'AssemblyScript could not compile wasm/ (its output is above). Correct the sources and start again.',
      { cause: error },
    );
  }
  return core;
}

function requireCommittedDigest(digest) {
  const committed = existsSync(COMMITTED_DIGEST) ? readFileSync(COMMITTED_DIGEST, 'utf8').trim() : 'none';
  if (digest === committed) return;
  throw new SetupFailure(
    `The hash core compiled to SHA-256 ${digest}, but wasm/core.sha256 says ${committed}. If you changed wasm/ or scripts/unroll/, run "node scripts/build-wasm.mjs --update", run the tests and commit both; if you did not, run "npm ci" to get the pinned compiler back.`,
  );
}

function moduleText(core) {
  return `// Written by scripts/build-wasm.mjs from wasm/; change it there.

/** The WASM module of the evidence-digest core. */
export const coreModule: Uint8Array<ArrayBuffer> = Uint8Array.from(
  atob(
    '${Buffer.from(core).toString('base64')}',
  ),
  (character) => character.charCodeAt(0),
);
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runMain(async () => {
    const [option, ...more] = process.argv.slice(2);
    if ((option !== undefined && option !== '--update') || more.length > 0) {
      throw new SetupFailure('The only option is --update.', { exitCode: 2 });
    }
    await buildWasm({ update: option === '--update' });
    return 0;
  });
}
