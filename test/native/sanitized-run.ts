/**
 * Runs compiled test files once more with addons that AddressSanitizer and UndefinedBehaviorSanitizer watch: a copy of the
 * compiled sources beside the sanitized addons, so that everything finds those in the usual place.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `test/native/` of the compiled sources. */
const here = dirname(fileURLToPath(import.meta.url));
const compiled = resolve(here, '..', '..');
const checkout = resolve(compiled, '..');

export interface Outcome {
  readonly status: number | null;
  readonly output: string;
}

export interface SanitizedRun {
  /** Where a test may put files; removed by `close`. */
  readonly directory: string;
  /** Runs a test file, by its path below `test/` without extension, to its end. */
  testFile(name: string, settings?: Settings): Outcome;
  /** Runs a line of JavaScript. */
  script(source: string, settings?: Settings): Outcome;
  close(): void;
}

export interface Settings {
  /** Whether to report at the end what nobody freed. Default: false, as Node itself leaves much behind. */
  readonly leaks?: boolean;
}

/** Compiles the addons with sanitizers, unless that was done, which takes a minute or two. */
export function prepareSanitizedRun(): SanitizedRun {
  const script = join(checkout, 'scripts', 'sanitized-addons.mjs');
  const release =
    execFileSync(process.execPath, [script], { encoding: 'utf8' }).trim().split('\n').at(-1) ?? '';
  // Below the checkout, where packages are found.
  const directory = mkdtempSync(join(release, '..', '..', 'run-'));
  for (const part of ['src', 'test'])
    cpSync(join(compiled, part), join(directory, 'dist', part), { recursive: true });
  const place = join(directory, 'native', 'build', 'Release');
  mkdirSync(place, { recursive: true });
  const isProduct = (path: string) => path.endsWith('.node') || basename(path).startsWith('writ-');
  cpSync(release, place, { recursive: true, filter: (path) => path === release || isProduct(path) });
  const libasan = execFileSync('g++', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim();

  const run = (args: readonly string[], { leaks = false }: Settings = {}): Outcome => {
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
      timeout: 300_000,
      env: {
        ...withoutTestRunner(process.env),
        LD_PRELOAD: libasan,
        ASAN_OPTIONS: `detect_leaks=${leaks ? 1 : 0}:detect_odr_violation=0`,
        UBSAN_OPTIONS: 'print_stacktrace=1',
      },
    });
    return { status, output: `${stdout}${stderr}${signal === null ? '' : `ended by ${signal}`}` };
  };
  return {
    directory,
    testFile: (name, settings) => run([join(directory, 'dist', 'test', `${name}.test.js`)], settings),
    script: (source, settings) => run(['-e', source], settings),
    close: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** A test file that takes itself for part of this run would not report its failures by its status. */
function withoutTestRunner({ NODE_TEST_CONTEXT: _, ...environment }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return environment;
}

/** The leaks in a report whose memory was allocated by a module with one of the names; each as its stack. */
export function leaksOf(modules: readonly string[], report: string): readonly string[] {
  return report
    .split(/\n(?=(?:Direct|Indirect) leak of )/)
    .filter((block) => /^(?:Direct|Indirect) leak of /.test(block))
    .filter((block) => {
      const frames = block.split('\n').filter((line) => /^\s+#\d+ /.test(line));
      const allocator = frames.find((frame) => !/libasan|operator new/.test(frame));
      return modules.some((name) => allocator?.includes(name));
    })
    .map((block) => block.split('\n\n')[0] ?? block);
}
