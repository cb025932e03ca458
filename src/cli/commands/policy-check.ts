/** `writ policy check`: everything that is wrong with a bundle, before the daemon says it. Asks no daemon. */

import { PolicyBundleError } from '../../policy/bundle-error.js';
import { type BundleExamination, examineBundle } from '../../policy/bundle-examination.js';
import { parseTests, readTestFiles } from '../../policy/test-file.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { columns, type Paint } from '../output.js';

/** `tests` is how many there are; null where they cannot be understood, which is then among the faults. */
interface Checked extends BundleExamination {
  readonly tests: number | null;
}

export const define: Define = (command, act) => {
  command
    .argument('<directory>', 'the directory of the bundle')
    .addHelpText(
      'after',
      examples('writ policy check policies', 'writ policy check /etc/writ/policies --json'),
    );
  act((context) => check(context, command.args[0] ?? ''));
};

async function check({ output }: CliContext, directory: string): Promise<ExitCode> {
  const checked = await examineAll(directory);
  output.result(documentOf(checked), (paint) => lines(checked, paint));
  return checked.faults.length === 0 ? exitCodes.ok : exitCodes.denied;
}

async function examineAll(directory: string): Promise<Checked> {
  const examination = await examineBundle(directory);
  try {
    const tests = parseTests(directory, await readTestFiles(directory));
    return { ...examination, tests: tests.length };
  } catch (cause) {
    if (!(cause instanceof PolicyBundleError)) throw cause;
    return { ...examination, faults: [...examination.faults, cause], tests: null };
  }
}

function documentOf({ faults, remarks, bundle, tests }: Checked): unknown {
  return {
    outcome: faults.length === 0 ? 'sound' : 'unsound',
    faults: faults.map(({ file, line, problem, remedy }) => ({ file, line, problem, remedy })),
    remarks,
    bundle: bundle && { name: bundle.name, version: bundle.version, digest: bundle.digest },
    tests,
  };
}

function lines({ faults, remarks, bundle, tests }: Checked, paint: Paint): readonly string[] {
  return [
    faults.length === 0
      ? paint('good', 'sound')
      : paint('bad', `unsound: ${counted(faults.length, 'fault')}`),
    ...faults.flatMap(({ file, line, problem, remedy }) => [
      `  ${paint('strong', placeOf(file, line))} ${problem}.`,
      `    ${remedy}`,
    ]),
    ...remarks.map(({ file, line, text }) => `  ${paint('faint', placeOf(file, line))} ${text}`),
    ...(bundle === null ? [] : columns(summaryOf(bundle, tests))),
  ];
}

function summaryOf(
  { name, version, digest, policies }: NonNullable<Checked['bundle']>,
  tests: number | null,
): [string, string][] {
  return [
    ['bundle', `${name}, version ${version}`],
    ['digest', digest],
    ['policies', String(Object.keys(policies).length)],
    ['tests', tests === null || tests === 0 ? 'none' : `${tests}, run by writ policy test`],
  ];
}

function placeOf(file: string, line: number | null): string {
  return line === null ? `${file}:` : `${file}:${line}:`;
}

function counted(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}
