/** `writ policy test`: runs the tests that lie beside a bundle. Asks no daemon. */

import { relative } from 'node:path';
import { runTests, type TestOutcome } from '../../policy/bundle-tests.js';
import { parseTests, readTestFiles } from '../../policy/test-file.js';
import { UsageError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import type { Paint } from '../output.js';
import { bundleIn } from '../policy-bundle.js';

export const define: Define = (command, act) => {
  command
    .argument('<directory>', 'the directory of the bundle; its tests are in tests/*.toml')
    .addHelpText(
      'after',
      examples('writ policy test policies', 'writ policy test /etc/writ/policies --json'),
    );
  act((context) => test(context, command.args[0] ?? ''));
};

async function test({ output }: CliContext, directory: string): Promise<ExitCode> {
  const bundle = await bundleIn(directory);
  const tests = parseTests(directory, await readTestFiles(directory));
  if (tests.length === 0)
    throw new UsageError(
      `there are no tests in ${directory}/tests; docs/policy-tools.md shows how to write some`,
    );
  const outcomes = runTests(bundle, tests);
  const failed = outcomes.filter(({ failure }) => failure !== null).length;
  output.result(
    { outcome: failed === 0 ? 'passed' : 'failed', bundle: bundle.digest, tests: outcomes },
    (paint) => [
      ...outcomes.flatMap((outcome) => outcomeLines(directory, outcome, paint)),
      failed === 0
        ? paint('good', `${outcomes.length} passed`)
        : paint('bad', `${failed} of ${outcomes.length} failed`),
    ],
  );
  return failed === 0 ? exitCodes.ok : exitCodes.denied;
}

function outcomeLines(
  directory: string,
  { file, name, failure }: TestOutcome,
  paint: Paint,
): readonly string[] {
  const place = paint('faint', `(${relative(directory, file)})`);
  if (failure === null) return [`${paint('good', 'ok')}      ${name} ${place}`];
  return [`${paint('bad', 'not ok')}  ${name} ${place}`, `          ${failure}`];
}
